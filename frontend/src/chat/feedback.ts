import type { Feedback } from "../protocol/api.ts";
import type { Client } from "../protocol/client.ts";
import { findAnswer } from "./chatState.ts";
import type { ChatStore } from "./ChatStore.ts";

/** Shows and stores what the reader thinks of an answer; false when it could not be stored. */
export async function giveFeedback(
  client: Client,
  store: ChatStore,
  key: string,
  feedback: Feedback | null,
): Promise<boolean> {
  const { sessionId, turns } = store.get();
  const answer = findAnswer(turns, (other) => other.key === key)?.answer;
  if (answer?.messageId == null) return false;
  const before = answer.feedback;
  store.change(key, (now) => ({ ...now, feedback }));
  try {
    await client.giveFeedback(sessionId, answer.messageId, feedback);
    return true;
  } catch {
    store.change(key, (now) => ({ ...now, feedback: before }));
    return false;
  }
}
