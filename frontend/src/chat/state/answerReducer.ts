import type { Feedback } from "../../protocol/api.ts";
import type { Frame } from "../../protocol/decode.ts";
import type {
  Citation,
  Event,
  Filters,
  DonePayload,
  MarkedPassage,
  Timings,
  Usage,
} from "../../protocol/events.gen.ts";

export type Phase = "idle" | "streaming" | "complete" | "error" | "stopped";

/** Events that tell how an answer came about, in the form they are stored with a message. */
export type EvidenceEvent = Exclude<
  Event,
  { type: "run_start" | "reasoning_delta" | "token" | "citations" | "reset" | "done" | "error" }
>;

/** Why there is no (whole) answer; `code` is the server's, or this page's own. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** One answer, as far as it is known. */
export interface Answer {
  readonly key: string;
  readonly phase: Phase;
  readonly position: number;
  readonly runId: string | null;
  readonly messageId: string | null;
  readonly model: string | null;
  readonly filters: Filters | null;
  readonly text: string;
  /** The model's reasoning, as far as it came. */
  readonly reasoning: string;
  readonly evidence: readonly EvidenceEvent[];
  readonly passages: readonly MarkedPassage[];
  readonly citations: readonly Citation[];
  /** True once the verdicts are in: from then on a mark is verified or it is not. */
  readonly hasVerdicts: boolean;
  readonly finishReason: DonePayload["finish_reason"] | null;
  readonly saved: boolean;
  readonly usage: Usage | null;
  readonly timings: Timings | null;
  readonly failure: Failure | null;
  readonly feedback: Feedback | null;
}

export function newAnswer(key: string, runId: string | null): Answer {
  return {
    key,
    phase: runId === null ? "idle" : "streaming",
    position: 0,
    runId,
    messageId: null,
    model: null,
    filters: null,
    text: "",
    reasoning: "",
    evidence: [],
    passages: [],
    citations: [],
    hasVerdicts: false,
    finishReason: null,
    saved: true,
    usage: null,
    timings: null,
    failure: null,
    feedback: null,
  };
}

/** The answer after `frame`. Pure; unknown events only advance the position. */
export function reduceAnswer(answer: Answer, { id, event }: Frame): Answer {
  const next = { ...answer, position: id };
  return event === null ? next : applyEvent(next, event);
}

function applyEvent(answer: Answer, event: Event): Answer {
  switch (event.type) {
    case "run_start": {
      const { run_id, message_id, model, filters } = event.content;
      return { ...answer, runId: run_id, messageId: message_id, model, filters };
    }
    case "token":
      return { ...answer, text: answer.text + event.content };
    case "reset":
      return { ...answer, text: event.content.text, citations: event.content.citations };
    case "citations":
      return { ...answer, citations: event.content.citations, hasVerdicts: true };
    case "done":
      return finish(answer, event.content);
    case "error": {
      const { code, message, retryable, saved } = event.content;
      return { ...answer, phase: "error", failure: { code, message, retryable }, saved };
    }
    case "reasoning_start":
      return { ...answer, reasoning: "", evidence: [...answer.evidence, event] };
    case "reasoning_delta":
      return { ...answer, reasoning: answer.reasoning + event.content.text };
    case "reasoning_complete":
      return { ...answer, reasoning: event.content.text, evidence: [...answer.evidence, event] };
    case "generation_start":
      return {
        ...answer,
        passages: event.content.passages,
        evidence: [...answer.evidence, event],
      };
    default:
      return { ...answer, evidence: [...answer.evidence, event] };
  }
}

function finish(answer: Answer, content: DonePayload): Answer {
  return {
    ...answer,
    phase: content.finish_reason === "stopped" ? "stopped" : "complete",
    messageId: content.message_id,
    finishReason: content.finish_reason,
    saved: content.saved,
    usage: content.usage,
    timings: content.timings,
  };
}
