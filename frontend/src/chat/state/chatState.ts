import { ApiError } from "../../protocol/client.ts";
import { NO_FILTERS, type Message, type PendingStop, type StopReceipt } from "../../protocol/api.ts";
import type { Filters } from "../../protocol/events.gen.ts";
import type { Answer, Failure, Phase } from "./answerReducer.ts";
import { replaceAnswer, type Turn } from "./turns.ts";

/** `released`: a hidden tab closed its connection; the run continues without it. */
export type Connection = "connecting" | "open" | "reconnecting" | "offline" | "released";

/** Why a conversation could not be loaded; "missing" can mean that it belongs to someone else. */
export type LoadFailure = "missing" | "signed out" | "failed";

/** Where earlier messages continue, and answers whose question is not loaded yet. */
export interface EarlierCursor {
  readonly cursor: string;
  readonly orphanAnswers: readonly Message[];
}

export type Loading = "loading" | "ready" | LoadFailure;

/** What the server said to a stop; `unconfirmed`: nothing, and the answer may go on. */
export type StopOutcome = StopReceipt | PendingStop | "unconfirmed";

/** Everything a view of a conversation needs; replaced whole on every change. */
export interface ChatSnapshot {
  readonly sessionId: string;
  readonly loading: Loading;
  readonly turns: readonly Turn[];
  /** What was said before them and is not loaded. */
  readonly earlier: EarlierCursor | null;
  /** State of the newest answer: idle, streaming, complete, error or stopped. */
  readonly phase: Phase;
  readonly connection: Connection | null;
  /** A proxy buffers the stream; stays true until the page is reloaded. */
  readonly isBuffered: boolean;
  readonly stop: { readonly key: string; readonly outcome: StopOutcome } | null;
  /** A question that got no answer and goes back into the composer. */
  readonly returnedQuestion: string | null;
  /** The next question, sent when the running answer ends. */
  readonly queued: string | null;
  readonly filters: Filters;
  /** The model chosen for the next question, by name; null: the default. */
  readonly model: string | null;
}

export function newSnapshot(
  sessionId: string,
  loading: Loading,
  model: string | null = null,
): ChatSnapshot {
  return {
    sessionId,
    loading,
    turns: [],
    earlier: null,
    phase: "idle",
    connection: null,
    isBuffered: false,
    stop: null,
    returnedQuestion: null,
    queued: null,
    filters: NO_FILTERS,
    model,
  };
}

export function findAnswer(turns: readonly Turn[], matches: (answer: Answer) => boolean) {
  for (const turn of turns) {
    const found = turn.answers.find(matches);
    if (found !== undefined) return { turn, answer: found };
  }
  return null;
}

/** The snapshot with one answer changed; turns that do not hold it keep their identity. */
export function changeAnswer(
  snapshot: ChatSnapshot,
  key: string,
  change: (answer: Answer) => Answer | null,
): ChatSnapshot {
  const found = findAnswer(snapshot.turns, (answer) => answer.key === key);
  if (found === null) return snapshot;
  const changed = replaceAnswer(found.turn, key, change(found.answer));
  return withTurns(
    snapshot,
    snapshot.turns.map((turn) => (turn === found.turn ? changed : turn)),
  );
}

/** The snapshot with other turns, and the phase that follows from them. */
export function withTurns(snapshot: ChatSnapshot, turns: readonly Turn[]): ChatSnapshot {
  return { ...snapshot, turns, phase: lastAnswer(turns)?.phase ?? "idle" };
}

/** The answer on screen under the last question. */
export function lastAnswer(turns: readonly Turn[]): Answer | null {
  const turn = turns.at(-1);
  return turn?.answers[turn.shown] ?? null;
}

/** Codes of failures that this page itself found; it has its own words for them. */
export const UNREACHABLE = "unreachable";
export const MODEL_NOT_OFFERED = "model_not_offered"; // the server's
export const SIGNED_OUT = "sign_in_required";

/** What to tell about a run that never began, or could not be followed any more. */
export function failureOf(refusal: unknown): Failure {
  return refusal instanceof ApiError
    ? { code: refusal.code, message: refusal.message, retryable: true }
    : { code: UNREACHABLE, message: "", retryable: true };
}

/** The snapshot without an unanswered try; the question of a turn left empty is given back. */
export function withdraw(snapshot: ChatSnapshot, key: string): ChatSnapshot {
  const turn = findAnswer(snapshot.turns, (answer) => answer.key === key)?.turn;
  if (turn?.answers.length !== 1) return changeAnswer(snapshot, key, () => null);
  const turns = snapshot.turns.filter((other) => other !== turn);
  return { ...withTurns(snapshot, turns), returnedQuestion: turn.question };
}
