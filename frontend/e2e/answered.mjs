// Conversations that have their answer already: who only wants to do something with an answer need
// not watch it being written.
import { randomUUID } from "node:crypto";

import { ChatPage, QUESTION } from "./chatPage.mjs";

const ready = new Map();

async function ask(message) {
  const sessionId = randomUUID();
  const response = await fetch(`${process.env.BASE_URL}/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ message, session_id: sessionId }),
  });
  if (!response.ok) throw new Error(`the question was refused: ${response.status}`);
  await response.json();
  return sessionId;
}

/** Has `question` answered `times` times, all at once, for those who will ask for it. */
export function prepare(question, times) {
  const asked = Array.from({ length: times }, () => ask(question));
  for (const one of asked) one.catch(() => undefined); // reported to the journey that uses it
  ready.set(question, [...(ready.get(question) ?? []), ...asked]);
}

/** The id of a conversation that has the answer to `question` and nothing else. */
export function answered(question = QUESTION) {
  return ready.get(question)?.shift() ?? ask(question);
}

/** Opens a conversation that has the answer to `question` and nothing else, for this journey alone. */
export async function openAnswered(context, question = QUESTION) {
  const chat = await ChatPage.open(context, `/c/${await answered(question)}`);
  await chat.ends();
  return chat;
}
