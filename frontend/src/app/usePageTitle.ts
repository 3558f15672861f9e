import { useEffect } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { useConversationTitle } from "../history/useConversationTitle.ts";
import { conversationIn, isKnown, isLibrary } from "./route.ts";

const NAME = "Citestream";

/** The browser's tab says what is on screen, then whose page it is. */
export function usePageTitle(pathname: string): void {
  const t = useT();
  const conversation = useConversationTitle(conversationIn(pathname));
  const shown = isLibrary(pathname) ? t("app:sidebar.library") : isKnown(pathname) ? conversation : t("app:notFound.title");
  useEffect(() => {
    document.title = shown === null ? NAME : `${shown} · ${NAME}`;
  }, [shown]);
}
