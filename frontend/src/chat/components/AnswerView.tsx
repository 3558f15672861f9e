import type { Answer } from "../state/answerReducer.ts";
import type { StopOutcome } from "../state/chatState.ts";
import type { Turn } from "../state/turns.ts";
import { AnswerTools } from "./AnswerTools.tsx";
import { AnswerMetrics } from "./AnswerMetrics.tsx";
import { AnswerOutcome } from "./AnswerOutcome.tsx";
import { PacedText } from "./PacedText.tsx";
import { Reasoning } from "./Reasoning.tsx";
import { SearchScopeNote } from "./SearchScopeNote.tsx";
import { StageLine } from "./StageLine.tsx";
import { evidenceOf } from "./evidenceOf.ts";
import { useChat } from "./chatContext.ts";
import styles from "./AnswerView.module.css";

interface Props {
  readonly turn: Turn;
  readonly answer: Answer;
  readonly isLast: boolean;
  readonly stop: StopOutcome | null;
}

/** One answer: stages, text, sources, and what can be done with it. */
export function AnswerView({ turn, answer, isLast, stop }: Props) {
  const { session, renderers, onAsk } = useChat();
  const { text, messageId } = answer;
  const isStreaming = answer.phase === "streaming";
  return (
    <article className={styles.answer} aria-busy={isStreaming}>
      <StageLine answer={answer} />
      <Reasoning answer={answer} />
      {isStreaming || text !== "" ? (
        // Another answer is another text: it starts at its own pace.
        <PacedText key={answer.key} answer={answer} />
      ) : null}
      {isStreaming ? null : (
        <>
          <AnswerOutcome {...{ answer, stop, isLast }} />
          <SearchScopeNote question={turn.question} {...{ answer, isLast }} />
          <div className={styles.details}>
            <renderers.SourceList {...evidenceOf(answer)} />
            <AnswerMetrics answer={answer} />
          </div>
          <AnswerTools {...{ turn, answer, isLast }} />
          {isLast && answer.phase === "complete" && messageId !== null && answer.citations.length > 0 ? (
            <renderers.FollowUps sessionId={session.getSnapshot().sessionId} {...{ messageId, onAsk }} />
          ) : null}
        </>
      )}
    </article>
  );
}
