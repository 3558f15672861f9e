import type { Answer } from "../state/answerReducer.ts";
import { evidenceOf } from "./evidenceOf.ts";
import { useChat } from "./chatContext.ts";
import { useReadingPace } from "./useReadingPace.ts";

interface Props {
  readonly answer: Answer;
}

/** The text of an answer, at a reader's pace while it grows. */
export function PacedText({ answer }: Props) {
  const { renderers } = useChat();
  const isGrowing = answer.phase === "streaming";
  const text = useReadingPace(answer.text, isGrowing);
  return <renderers.AnswerText {...evidenceOf(answer)} text={text} streaming={isGrowing} />;
}
