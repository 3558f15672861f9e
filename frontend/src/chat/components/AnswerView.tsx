import type { Answer } from "../state/answerReducer.ts";
import type { ChatSession } from "../session/ChatSession.ts";
import type { StopOutcome } from "../state/chatState.ts";
import type { Connection } from "../session/RunFollower.ts";
import type { ChatSlots } from "./slots.ts";
import type { Turn } from "../state/turns.ts";
import { AnswerTools } from "./AnswerTools.tsx";
import { Figures } from "./Figures.tsx";
import { Outcome } from "./Outcome.tsx";
import { PacedText } from "./PacedText.tsx";
import { Searched } from "./Searched.tsx";
import { StageLine } from "./StageLine.tsx";

interface Props {
  readonly turn: Turn;
  readonly answer: Answer;
  readonly isLast: boolean;
  readonly session: ChatSession;
  readonly slots: ChatSlots;
  readonly connection: Connection | null;
  readonly stop: StopOutcome | null;
  readonly onSignIn: () => void;
}

/** One answer: stages, text, sources, and what can be done with it. */
export function AnswerView(props: Props) {
  const { turn, answer, isLast, session, slots, connection, stop, onSignIn } = props;
  const { SourceList, ScopeName } = slots;
  const { passages, citations, judged, text } = answer;
  const isStreaming = answer.phase === "streaming";
  return (
    <article className={`answer answer--${answer.phase}`} aria-busy={isStreaming}>
      <StageLine answer={answer} connection={connection} />
      {isStreaming || text !== "" ? (
        // Another answer is another text: it starts at its own pace.
        <PacedText key={answer.key} answer={answer} Text={slots.AnswerText} />
      ) : null}
      {isStreaming ? null : (
        <>
          <Outcome {...{ answer, stop, isLast, session, onSignIn }} />
          <Searched question={turn.question} {...{ answer, isLast, session, ScopeName }} />
          <div className="answer-folds">
            <SourceList {...{ passages, citations, judged }} />
            <Figures answer={answer} />
          </div>
          <AnswerTools {...{ turn, answer, isLast, session, slots }} />
        </>
      )}
    </article>
  );
}
