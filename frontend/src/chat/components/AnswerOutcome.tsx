import { useT } from "../../i18n/useLanguage.ts";
import { t } from "../../i18n/i18n.ts";
import { signIn } from "../../protocol/signIn.ts";
import { Button } from "../../ui/Button.tsx";
import { count, duration } from "../../ui/format.ts";
import type { Answer } from "../state/answerReducer.ts";
import { MODEL_NOT_OFFERED, SIGNED_OUT, UNREACHABLE, type StopOutcome } from "../state/chatState.ts";
import { cx } from "../../ui/cx.ts";
import { useChat } from "./chatContext.ts";
import note from "../../ui/note.module.css";

const INTERRUPTED = "INTERRUPTED";

interface Props {
  readonly answer: Answer;
  readonly stop: StopOutcome | null;
  readonly isLast: boolean;
}

/** How an answer ended, when it did not simply end, and the button that helps. */
export function AnswerOutcome({ answer, stop, isLast }: Props) {
  const { session, renderers, onSignIn } = useChat();
  useT();
  const canContinue = isLast && answer.messageId !== null && answer.text !== "";
  const isSignedOut = answer.failure?.code === SIGNED_OUT;
  return (
    <>
      {answer.phase === "error" ? (
        <div className={cx(note.note, note.danger)} role="alert">
          <span>{errorText(answer)}</span>
          {isLast && isSignedOut ? (
            <Button variant="outlined" onClick={onSignIn}>
              {t("chat:outcome.signIn")}
            </Button>
          ) : null}
          {isLast && !isSignedOut ? (
            <Button
              variant="outlined"
              icon="redo"
              onClick={() => {
                session.retry();
              }}
            >
              {t("chat:outcome.retry")}
            </Button>
          ) : null}
          {isLast && !isSignedOut ? (
            <renderers.AnswerWith
              except={answer.model}
              hasFailed
              onPick={(model) => {
                session.answerWith(model);
              }}
            />
          ) : null}
          {canContinue && !isSignedOut ? <Continue /> : null}
        </div>
      ) : null}
      {answer.phase === "stopped" ? (
        <div className={note.note}>
          <span>{stop === null ? t("chat:outcome.stopped") : receiptText(stop)}</span>
          {canContinue ? <Continue /> : null}
        </div>
      ) : null}
      <EndNotes answer={answer} />
    </>
  );
}

function Continue() {
  const { session } = useChat();
  return (
    <Button
      variant="outlined"
      icon="play"
      onClick={() => {
        session.continueAnswer();
      }}
    >
      {t("chat:answer.continue")}
    </Button>
  );
}

function EndNotes({ answer }: Pick<Props, "answer">) {
  const ended = answer.phase === "complete" ? answer.finishReason : null;
  return (
    <>
      {ended === "length" ? (
        <p className={cx(note.note, note.warning)}>{t("chat:outcome.length")}</p>
      ) : null}
      {ended === "content_filter" ? (
        <p className={cx(note.note, note.warning)}>{t("chat:outcome.contentFilter")}</p>
      ) : null}
      {answer.saved ? null : <p className={cx(note.note, note.warning)}>{t("chat:outcome.unsaved")}</p>}
    </>
  );
}

/** Why there is no whole answer, and what became of the part there is. */
export function errorText({ failure, text }: Pick<Answer, "failure" | "text">): string {
  const why = reason(failure);
  return text === "" ? why : t("chat:outcome.kept", { why });
}

function reason(failure: Answer["failure"]): string {
  if (failure === null) return t("chat:outcome.broken");
  // The server's own sentence says what is kept, too.
  if (failure.code === INTERRUPTED) return t("chat:outcome.interrupted");
  if (failure.code === MODEL_NOT_OFFERED) return t("chat:outcome.modelNotOffered");
  if (failure.code === UNREACHABLE) return t("chat:outcome.unreachable");
  if (failure.code !== SIGNED_OUT) return failure.message;
  return t(signIn.hasEnded ? "chat:outcome.signedOut" : "chat:outcome.signInFirst");
}

/** The receipt of a stop in one line. */
export function receiptText(stop: StopOutcome): string {
  if (stop === "unconfirmed") return t("chat:outcome.unconfirmed");
  if ("pending" in stop) return t("chat:outcome.pending");
  if (stop.already) return t("chat:outcome.already");
  const tokens = count(stop.tokens_kept, "token");
  return stop.upstream_closed_ms === null
    ? t("chat:outcome.stoppedKept", { tokens })
    : t("chat:outcome.stoppedModel", { tokens, time: duration(stop.upstream_closed_ms) });
}
