import type { Message } from "../../protocol/api.ts";
import { decodeEvent } from "../../protocol/decode.ts";
import type { MarkedPassage } from "../../protocol/events.gen.ts";
import { newAnswer, type Answer, type EvidenceEvent, type Phase } from "./answerReducer.ts";

/** A question with every answer it got, oldest first; a continued answer is one of them, whole. */
export interface Turn {
  readonly key: string;
  readonly question: string;
  readonly answers: readonly Answer[];
  /** Which of `answers` is on screen. */
  readonly shown: number;
  /** The answer that is shown beside it, by its key. */
  readonly beside: string | null;
}

const PHASES: Readonly<Record<Message["status"], Phase>> = {
  streaming: "streaming",
  complete: "complete",
  stopped: "stopped",
  error: "error",
};

function storedEvidence(message: Message): EvidenceEvent[] {
  return message.evidence.flatMap((stored) => {
    const event = decodeEvent(stored);
    return event !== null && isEvidence(event) ? [event] : [];
  });
}

function isEvidence(event: { readonly type: string }): event is EvidenceEvent {
  return /^(planning|retrieval|reranking|grading|rewriting|generation|reasoning)_/.test(event.type);
}

/** A stored answer in the form a live one has. */
export function storedAnswer(message: Message): Answer {
  const evidence = storedEvidence(message);
  const reasoned = evidence.findLast((event) => event.type === "reasoning_complete");
  const passages: readonly MarkedPassage[] =
    evidence.findLast((event) => event.type === "generation_start")?.content.passages ?? [];
  return {
    ...newAnswer(message.message_id, message.run_id),
    phase: PHASES[message.status],
    messageId: message.message_id,
    model: message.model,
    filters: message.filters,
    text: message.content,
    reasoning: reasoned?.content.text ?? "",
    evidence,
    passages,
    citations: message.citations,
    hasVerdicts: message.status !== "streaming",
    finishReason: message.finish_reason,
    usage: message.usage,
    timings: message.timings,
    failure: message.error === null ? null : { ...message.error, retryable: true },
    feedback: message.feedback,
  };
}

/** Groups stored messages, oldest first, into turns; alternatives lie beside each other. */
export function turnsFrom(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.role === "user") {
      turns.push({ key: message.message_id, question: message.content, answers: [], shown: 0, beside: null });
      continue;
    }
    const owner = turns.findIndex((turn) => turn.key === message.question_id);
    const at = owner === -1 ? turns.length - 1 : owner;
    const turn = turns[at];
    if (turn !== undefined) turns[at] = withAnswer(turn, storedAnswer(message));
  }
  return turns;
}

/**
 * `loaded` with what is on screen already kept as it is, keys and all: nothing is drawn anew, and
 * nothing that was unfolded folds.
 */
export function mergeTurns(onScreen: readonly Turn[], loaded: readonly Turn[]): readonly Turn[] {
  const known = new Map<string, Turn>();
  for (const turn of onScreen) {
    for (const { messageId } of turn.answers) if (messageId !== null) known.set(messageId, turn);
  }
  return loaded.map((turn) => {
    const ids = turn.answers.map(({ messageId }) => messageId ?? "");
    const same = ids.map((id) => known.get(id)).find((found) => found !== undefined);
    return same === undefined ? turn : mergeTurn(same, turn);
  });
}

/** Those of `onScreen` that come before all of `merged`, which was made of it. */
export function turnsBefore(onScreen: readonly Turn[], merged: readonly Turn[]): readonly Turn[] {
  const keys = new Set(merged.map(({ key }) => key));
  return onScreen.slice(0, Math.max(0, onScreen.findIndex(({ key }) => keys.has(key))));
}

function mergeTurn(onScreen: Turn, loaded: Turn): Turn {
  const answers = loaded.answers.map((answer) => {
    const old = onScreen.answers.find(({ messageId }) => messageId === answer.messageId);
    if (old === undefined) return answer;
    const isSame = old.phase === answer.phase && old.text === answer.text;
    return isSame ? old : { ...answer, key: old.key };
  });
  const isLonger = answers.length > onScreen.answers.length;
  if (!isLonger && answers.every((answer, index) => answer === onScreen.answers[index])) {
    return onScreen;
  }
  return { ...loaded, key: onScreen.key, answers, shown: isLonger ? loaded.shown : onScreen.shown, beside: onScreen.beside };
}

/** `turn` with one more answer, shown alone or `beside` another. */
export function withAnswer(turn: Turn, answer: Answer, beside: string | null = null): Turn {
  return { ...turn, answers: [...turn.answers, answer], shown: turn.answers.length, beside };
}

/** `turn` with another answer shown; what is compared stays on screen. */
export function showAnswer(turn: Turn, shown: number): Turn {
  const isBeside = turn.beside !== null && turn.answers[shown]?.key === turn.beside;
  const beside = isBeside ? (turn.answers[turn.shown]?.key ?? null) : turn.beside;
  return { ...turn, shown, beside };
}

/** `turn` with two answers side by side, the last two by default, or with one. */
export function compareAnswers(turn: Turn): Turn {
  const other = turn.answers[turn.shown === 0 ? 1 : turn.shown - 1];
  return { ...turn, beside: turn.beside === null ? (other?.key ?? null) : null };
}

/** `turn` with the answer that has this key replaced, or taken away when `answer` is null. */
export function replaceAnswer(turn: Turn, key: string, answer: Answer | null): Turn {
  const answers = turn.answers.flatMap((other) =>
    other.key !== key ? [other] : answer === null ? [] : [answer],
  );
  return { ...turn, answers, shown: Math.max(0, Math.min(turn.shown, answers.length - 1)) };
}
