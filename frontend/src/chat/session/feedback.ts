import type { Feedback } from "../../protocol/api.ts";
import type { Client } from "../../protocol/client.ts";
import { findAnswer } from "../state/chatState.ts";
import type { ChatStore } from "../state/ChatStore.ts";

/** Stores what the reader thinks of an answer; false when that failed. */
export type GiveFeedback = (key: string, feedback: Feedback | null) => Promise<boolean>;

interface Stored {
  readonly feedback: Feedback | null;
  readonly isStored: boolean;
}

/** What is said of an answer is shown at once, and stored after what was said of it before. */
export function createFeedbackSender(client: Client, store: ChatStore): GiveFeedback {
  const storing = new Map<string, Promise<Stored>>(); // by answer, while there is something to store
  return async (key, feedback) => {
    const { sessionId, turns } = store.get();
    const answer = findAnswer(turns, (other) => other.key === key)?.answer;
    if (answer?.messageId == null) return false;
    const { messageId, feedback: shown } = answer;
    const before = storing.get(key) ?? Promise.resolve({ feedback: shown, isStored: true });
    store.change(key, (now) => ({ ...now, feedback }));
    const mine = before.then(async (kept): Promise<Stored> => {
      try {
        await client.giveFeedback(sessionId, messageId, feedback);
        return { feedback, isStored: true };
      } catch {
        // What the reader has said since stays.
        store.change(key, (now) =>
          now.feedback === feedback ? { ...now, feedback: kept.feedback } : now,
        );
        return { feedback: kept.feedback, isStored: false };
      }
    });
    storing.set(key, mine);
    const { isStored } = await mine;
    if (storing.get(key) === mine) storing.delete(key);
    return isStored;
  };
}
