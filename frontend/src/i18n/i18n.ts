import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import english from "./en/index.ts";
import { firstSpoken, isLanguage, LANGUAGES, type LanguageCode } from "./languages.ts";

const KEY = "citestream.language";
const OLD_KEY = "language"; // before it had a name of ours

// English is there at once, and wherever another language lacks a text.
void i18next.use(initReactI18next).init({
  resources: { en: english },
  lng: "en",
  fallbackLng: "en",
  ns: Object.keys(english),
  defaultNS: false,
  initAsync: false,
  interpolation: { escapeValue: false }, // React escapes
  react: { useSuspense: false, transKeepBasicHtmlNodesFor: [] },
});

/**
 * The text of a key, such as `t("ui:place.page", { page: 3 })`, in the current language. Components
 * get it from `useT`, so that they draw again when the language changes.
 */
export const t = i18next.t.bind(i18next);

/** The language in use, as a BCP 47 tag for `Intl`. */
export function language(): string {
  return i18next.language;
}

/** Speaks `code` from now on, and after the next visit. */
export async function setLanguage(code: LanguageCode): Promise<void> {
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // Storage can be forbidden: the choice then holds until the page is closed.
  }
  await speak(code);
}

/** Speaks what was chosen last, else the first of the browser's languages that the page knows. */
export function startLanguage(): Promise<void> {
  return speak(storedLanguage() ?? firstSpoken(navigator.languages));
}

export function currentLanguage(): LanguageCode {
  return isLanguage(i18next.language) ? i18next.language : "en";
}

async function speak(code: LanguageCode): Promise<void> {
  if (!i18next.hasResourceBundle(code, "app")) {
    // Without its texts (no network, a newer release) the page stays readable in English.
    const texts = await LANGUAGES[code].load().catch(() => null);
    if (texts === null) return;
    for (const [room, entries] of Object.entries(texts.default)) {
      i18next.addResourceBundle(code, room, entries);
    }
  }
  await i18next.changeLanguage(code);
  document.documentElement.lang = code;
}

function storedLanguage(): LanguageCode | null {
  try {
    const stored = localStorage.getItem(KEY) ?? localStorage.getItem(OLD_KEY) ?? "";
    return isLanguage(stored) ? stored : null;
  } catch {
    return null;
  }
}
