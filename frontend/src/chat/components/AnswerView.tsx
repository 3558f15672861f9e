import type { Answer } from "../state/answerReducer.ts";
import type { ChatSession } from "../session/ChatSession.ts";
import type { StopOutcome } from "../state/chatState.ts";
import type { Connection } from "../state/chatState.ts";
import type { ChatRenderers } from "./renderers.ts";
import type { Turn } from "../state/turns.ts";
import { AnswerTools } from "./AnswerTools.tsx";
import { AnswerMetrics } from "./AnswerMetrics.tsx";
import { AnswerOutcome } from "./AnswerOutcome.tsx";
import { PacedText } from "./PacedText.tsx";
import { SearchScopeNote } from "./SearchScopeNote.tsx";
import { StageLine } from "./StageLine.tsx";
import styles from "./AnswerView.module.css";

interface Props {
  readonly turn: Turn;
  readonly answer: Answer;
  readonly isLast: boolean;
  readonly session: ChatSession;
  readonly renderers: ChatRenderers;
  readonly connection: Connection | null;
  readonly stop: StopOutcome | null;
  readonly onSignIn: () => void;
}

/** One answer: stages, text, sources, and what can be done with it. */
export function AnswerView(props: Props) {
  const { turn, answer, isLast, session, renderers, connection, stop, onSignIn } = props;
  const { SourceList, ScopeName } = renderers;
  const { passages, citations, hasVerdicts, text } = answer;
  const isStreaming = answer.phase === "streaming";
  return (
    <article className={styles.answer} aria-busy={isStreaming}>
      <StageLine answer={answer} connection={connection} />
      {isStreaming || text !== "" ? (
        // Another answer is another text: it starts at its own pace.
        <PacedText key={answer.key} answer={answer} Text={renderers.AnswerText} />
      ) : null}
      {isStreaming ? null : (
        <>
          <AnswerOutcome {...{ answer, stop, isLast, session, onSignIn }} />
          <SearchScopeNote question={turn.question} {...{ answer, isLast, session, ScopeName }} />
          <div className={styles.details}>
            <SourceList {...{ passages, citations, hasVerdicts }} />
            <AnswerMetrics answer={answer} />
          </div>
          <AnswerTools {...{ turn, answer, isLast, session, renderers }} />
        </>
      )}
    </article>
  );
}
