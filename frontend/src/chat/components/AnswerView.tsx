import { Button, IconButton } from "../../ui/Button.tsx";
import { CopyButton } from "../../ui/CopyButton.tsx";
import type { Answer } from "../answerReducer.ts";
import type { ChatSession } from "../ChatSession.ts";
import type { StopOutcome } from "../chatState.ts";
import { curlCommand } from "../curl.ts";
import type { Connection } from "../RunFollower.ts";
import type { ChatSlots } from "../slots.ts";
import type { Turn } from "../turns.ts";
import { Figures } from "./Figures.tsx";
import { Outcome } from "./Outcome.tsx";
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
}

/** One answer: stages, text, sources, and what can be done with it. */
export function AnswerView({ turn, answer, isLast, session, slots, connection, stop }: Props) {
  const { AnswerText, SourceList, ScopeName } = slots;
  const { passages, citations, judged, text } = answer;
  const isStreaming = answer.phase === "streaming";
  return (
    <article className={`answer answer--${answer.phase}`} aria-busy={isStreaming}>
      <StageLine answer={answer} connection={connection} />
      {isStreaming || text !== "" ? (
        <AnswerText {...{ text, passages, citations, judged }} streaming={isStreaming} />
      ) : null}
      {isStreaming ? null : (
        <>
          <Outcome answer={answer} stop={stop} isLast={isLast} session={session} />
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

type ToolsProps = Pick<Props, "turn" | "answer" | "isLast" | "session" | "slots">;

function AnswerTools({ turn, answer, isLast, session, slots }: ToolsProps) {
  return (
    <div className="answer-tools">
      {turn.answers.length > 1 ? <Alternatives turn={turn} session={session} /> : null}
      {answer.text === "" ? null : (
        <CopyButton text={() => slots.copyText(answer.text, answer)}>Copy</CopyButton>
      )}
      <CopyButton
        text={() => curlCommand(window.location.origin, turn.question, answer.filters)}
      >
        Copy as curl
      </CopyButton>
      {isLast && answer.messageId !== null ? (
        <Button
          look="quiet"
          icon="redo"
          onClick={() => {
            session.regenerate();
          }}
        >
          Regenerate
        </Button>
      ) : null}
    </div>
  );
}

function Alternatives({ turn, session }: Pick<Props, "turn" | "session">) {
  const { key, shown, answers } = turn;
  return (
    <span className="alternatives">
      <IconButton
        icon="left"
        label="Previous answer"
        disabled={shown === 0}
        onClick={() => {
          session.show(key, shown - 1);
        }}
      />
      <span aria-label={`Answer ${shown + 1} of ${answers.length}`}>
        {shown + 1}/{answers.length}
      </span>
      <IconButton
        icon="right"
        label="Next answer"
        disabled={shown === answers.length - 1}
        onClick={() => {
          session.show(key, shown + 1);
        }}
      />
    </span>
  );
}
