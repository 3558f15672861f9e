import { ApiError, type Client } from "../protocol/client.ts";
import type { ConversationDetail, Message } from "../protocol/api.ts";
import { newAnswer, type Answer } from "./answerReducer.ts";
import { findAnswer } from "./chatState.ts";
import { replaceAnswer, turnsFrom, withAnswer, type Turn } from "./turns.ts";

export interface LoadedConversation {
  readonly turns: readonly Turn[];
  readonly conversation: ConversationDetail;
}

export type Unloadable = "missing" | "signed out" | "failed";

/** A stored conversation, or why there is none; "missing" can also mean another person's. */
export async function loadConversation(
  client: Client,
  sessionId: string,
): Promise<LoadedConversation | Unloadable> {
  try {
    // In this order: a run that ends in between is then replayed, never overlooked.
    const conversation = await client.conversation(sessionId);
    const turns = turnsFrom(await allMessages(client, sessionId));
    return { turns: withRunning(turns, conversation), conversation };
  } catch (error) {
    if (!(error instanceof ApiError)) return "failed";
    if (error.isSignIn) return "signed out";
    return error.status === 404 ? "missing" : "failed";
  }
}

async function allMessages(client: Client, sessionId: string): Promise<Message[]> {
  const messages: Message[] = [];
  let cursor: string | null = null;
  do {
    const page = await client.messages(sessionId, cursor);
    messages.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return messages;
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
