import { useQuery } from "@tanstack/react-query";

import { api } from "../protocol/client.ts";
import { useConversations } from "./useConversations.ts";

/** The title of a conversation, from the list if it is in there; null while it is not known. */
export function useConversationTitle(sessionId: string | null): string | null {
  const { list, conversations } = useConversations("");
  const listed = conversations.find(({ session_id: id }) => id === sessionId);
  const { data } = useQuery({
    queryKey: ["conversation", sessionId],
    queryFn: () => api.conversation(sessionId ?? ""),
    enabled: sessionId !== null && list.isSuccess && listed === undefined,
  });
  return listed?.title ?? (data?.session_id === sessionId ? data.title : null);
}
