import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { useConversationTitle } from "../history/useConversationTitle.ts";
import { conversationIn, isKnown, isLibrary } from "./route.ts";

const NAME = "Citestream";

/** The browser's tab says what is on screen, then whose page it is. */
export function usePageTitle(pathname: string): void {
  const { t } = useTranslation("app");
  const conversation = useConversationTitle(conversationIn(pathname));
  const shown = isLibrary(pathname) ? t("sidebar.library") : isKnown(pathname) ? conversation : t("notFound.title");
  useEffect(() => {
    document.title = shown === null ? NAME : `${shown} · ${NAME}`;
  }, [shown]);
}
