import type { Answer } from "../state/answerReducer.ts";
import type { ChatSlots } from "./slots.ts";
import { useReadingPace } from "./useReadingPace.ts";

interface Props {
  readonly answer: Answer;
  readonly Text: ChatSlots["AnswerText"];
}

/** The text of an answer, at a reader's pace while it grows. */
export function PacedText({ answer, Text }: Props) {
  const isGrowing = answer.phase === "streaming";
  const { passages, citations, judged } = answer;
  const text = useReadingPace(answer.text, isGrowing);
  return <Text {...{ text, passages, citations, judged }} streaming={isGrowing} />;
}
