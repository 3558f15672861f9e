import type { ConversationDetail } from "../../protocol/api.ts";
import type { Client } from "../../protocol/client.ts";
import type { ChatStore } from "../state/ChatStore.ts";
import { loadTurns, type LoadedConversation } from "./loadConversation.ts";
import { mergeTurns, turnsBefore } from "../state/turns.ts";

/** Shows what is stored now; what lies before it and is on screen stays there. */
export function applyLoaded(store: ChatStore, loaded: LoadedConversation): ConversationDetail {
  const { turns: onScreen, earlier } = store.get();
  const merged = mergeTurns(onScreen, loaded.turns);
  const before = turnsBefore(onScreen, merged);
  store.setTurns([...before, ...merged], {
    filters: loaded.conversation.filters,
    model: loaded.conversation.model,
    loading: "ready",
    earlier: before.length > 0 ? earlier : loaded.earlier,
  });
  return loaded.conversation;
}

/** Loads some of what was said before. Failing leaves everything as it was, to be asked again. */
export async function loadEarlier(client: Client, store: ChatStore, sessionId: string): Promise<void> {
  const { earlier } = store.get();
  if (earlier === null) return;
  const before = await loadTurns(client, sessionId, earlier).catch(() => null);
  if (before === null || store.get().earlier !== earlier) return; // asked twice
  store.setTurns([...before.turns, ...store.get().turns], { earlier: before.earlier });
}
