import i18next from "i18next";
import { useSyncExternalStore } from "react";

import { currentLanguage, setLanguage, t } from "./i18n.ts";
import type { LanguageCode } from "./languages.ts";

function subscribe(listener: () => void): () => void {
  i18next.on("languageChanged", listener);
  return () => {
    i18next.off("languageChanged", listener);
  };
}

/** The language in use, and how to change it; the component draws again when it changes. */
export function useLanguage(): readonly [LanguageCode, (code: LanguageCode) => Promise<void>] {
  return [useSyncExternalStore(subscribe, currentLanguage), setLanguage];
}

/** `t` for a component: it draws again when the language changes. */
export function useT(): typeof t {
  useLanguage();
  return t;
}
