import type { Answer } from "../state/answerReducer.ts";
import type { ChatRenderers } from "./renderers.ts";
import { useReadingPace } from "./useReadingPace.ts";

interface Props {
  readonly answer: Answer;
  readonly Text: ChatRenderers["AnswerText"];
}

/** The text of an answer, at a reader's pace while it grows. */
export function PacedText({ answer, Text }: Props) {
  const isGrowing = answer.phase === "streaming";
  const { passages, citations, hasVerdicts } = answer;
  const text = useReadingPace(answer.text, isGrowing);
  return <Text {...{ text, passages, citations, hasVerdicts }} streaming={isGrowing} />;
}
