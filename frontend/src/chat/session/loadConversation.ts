import { ApiError, type Client } from "../../protocol/client.ts";
import type { ConversationDetail } from "../../protocol/api.ts";
import { newAnswer, type Answer } from "../state/answerReducer.ts";
import { findAnswer, type EarlierCursor, type LoadFailure } from "../state/chatState.ts";
import { replaceAnswer, turnsFrom, withAnswer, type Turn } from "../state/turns.ts";

export interface LoadedTurns {
  readonly turns: readonly Turn[];
  /** Null: there is nothing before them. */
  readonly earlier: EarlierCursor | null;
}

export interface LoadedConversation extends LoadedTurns {
  readonly conversation: ConversationDetail;
}

/** The end of a stored conversation, or why there is none; "missing" can mean another person's. */
export async function loadConversation(
  client: Client,
  sessionId: string,
): Promise<LoadedConversation | LoadFailure> {
  try {
    // In this order: a run that ends in between is then replayed, never overlooked.
    const conversation = await client.conversation(sessionId);
    const { turns, earlier } = await loadTurns(client, sessionId, null);
    return { turns: withRunning(turns, conversation), earlier, conversation };
  } catch (error) {
    if (!(error instanceof ApiError)) return "failed";
    if (error.isSignIn) return "signed out";
    return error.status === 404 ? "missing" : "failed";
  }
}

/** Some turns before `earlier`; without it the last ones. A turn is never cut in two. */
export async function loadTurns(
  client: Client,
  sessionId: string,
  earlier: EarlierCursor | null,
): Promise<LoadedTurns> {
  let cursor = earlier?.cursor ?? null;
  let messages = earlier?.orphanAnswers ?? [];
  for (;;) {
    const page = await client.messages(sessionId, cursor);
    messages = [...page.items.toReversed(), ...messages];
    cursor = page.next;
    if (cursor === null) return { turns: turnsFrom(messages), earlier: null };
    const first = messages.findIndex(({ role }) => role === "user");
    if (first === -1) continue;
    const turns = turnsFrom(messages.slice(first));
    return { turns, earlier: { cursor, orphanAnswers: messages.slice(0, first) } };
  }
}

/** The running answer may not be among the messages yet: then it belongs to the last question. */
function withRunning(turns: readonly Turn[], conversation: ConversationDetail): readonly Turn[] {
  const runId = conversation.active_run_id;
  if (runId === null) return turns;
  const running = findAnswer(turns, (answer) => answer.runId === runId);
  if (running !== null) {
    const { key } = running.answer;
    const streaming: Answer = { ...running.answer, phase: "streaming" };
    return turns.map((turn) => replaceAnswer(turn, key, streaming));
  }
  return turns.map((turn, index) =>
    index === turns.length - 1 ? withAnswer(turn, newAnswer(runId, runId)) : turn,
  );
}
