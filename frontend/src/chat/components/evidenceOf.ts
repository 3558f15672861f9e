import type { Answer } from "../state/answerReducer.ts";
import type { AnswerEvidence } from "./renderers.ts";

/** The model that quotes, as the server calls it. */
const QUOTING = "extractive";

/** What an answer stands on. */
export function evidenceOf({ passages, citations, hasVerdicts, model }: Answer): AnswerEvidence {
  return { passages, citations, hasVerdicts, isQuoted: model === QUOTING };
}
