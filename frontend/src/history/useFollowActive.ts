import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import type { Conversation } from "../protocol/api.ts";
import { refreshList } from "./useConversations.ts";

/** How often to look whether what is being answered still is. */
export const ACTIVE_EVERY_MS = 4000;

/** Answers in other tabs, and of servers that are gone, end without a word to this page. */
export function useFollowActive(conversations: readonly Conversation[]): void {
  const queries = useQueryClient();
  const isActive = conversations.some((one) => one.active_run_id !== null);
  useEffect(() => {
    if (!isActive) return undefined;
    const look = (): void => {
      if (document.visibilityState === "visible") void refreshList(queries);
    };
    const timer = setInterval(look, ACTIVE_EVERY_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [queries, isActive]);
}
