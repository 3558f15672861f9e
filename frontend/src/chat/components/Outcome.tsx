import { Button } from "../../ui/Button.tsx";
import { count, duration } from "../../ui/format.ts";
import type { Answer } from "../answerReducer.ts";
import type { ChatSession } from "../ChatSession.ts";
import type { StopOutcome } from "../chatState.ts";

interface Props {
  readonly answer: Answer;
  readonly stop: StopOutcome | null;
  readonly isLast: boolean;
  readonly session: ChatSession;
}

/** How an answer ended, when it did not simply end, and the button that helps. */
export function Outcome({ answer, stop, isLast, session }: Props) {
  const canContinue = isLast && answer.messageId !== null && answer.text !== "";
  return (
    <>
      {answer.phase === "error" ? (
        <div className="note note--bad" role="alert">
          <span>{errorText(answer)}</span>
          {isLast ? (
            <Button
              look="outlined"
              icon="redo"
              onClick={() => {
                session.retry();
              }}
            >
              Retry
            </Button>
          ) : null}
          {canContinue ? <Continue session={session} /> : null}
        </div>
      ) : null}
      {answer.phase === "stopped" ? (
        <div className="note stopped">
          <span>{stop === null ? "Stopped." : receiptText(stop)}</span>
          {canContinue ? <Continue session={session} /> : null}
        </div>
      ) : null}
      <EndNotes answer={answer} />
    </>
  );
}

function Continue({ session }: Pick<Props, "session">) {
  return (
    <Button
      look="outlined"
      icon="play"
      onClick={() => {
        session.continueAnswer();
      }}
    >
      Continue
    </Button>
  );
}

function EndNotes({ answer }: Pick<Props, "answer">) {
  const ended = answer.phase === "complete" ? answer.finishReason : null;
  return (
    <>
      {ended === "length" ? (
        <p className="note note--doubt">The model reached its longest answer; the end is missing.</p>
      ) : null}
      {ended === "content_filter" ? (
        <p className="note note--doubt">The model’s content filter ended this answer.</p>
      ) : null}
      {answer.saved ? null : (
        <p className="note note--doubt">
          This answer could not be stored yet. Copy it if you need it.
        </p>
      )}
    </>
  );
}

/** Why there is no whole answer, and what became of the part there is. */
export function errorText({ failure, text }: Answer): string {
  const why = failure?.message ?? "The answer broke off.";
  return text === "" ? why : `${why} What had arrived is kept.`;
}

/** The receipt of a stop in one line. */
export function receiptText(stop: StopOutcome): string {
  if (stop === "unconfirmed") return "Stopped here. The server did not confirm it.";
  if ("pending" in stop) return "Stop asked for. The server has not confirmed it yet.";
  if (stop.already) return "The answer had ended already.";
  const kept = `${count(stop.tokens_kept, "token")} kept`;
  return stop.upstream_closed_ms === null
    ? `Stopped, ${kept}.`
    : `Model stopped after ${duration(stop.upstream_closed_ms)}, ${kept}.`;
}
