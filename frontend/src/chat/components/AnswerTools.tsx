import { useT } from "../../i18n/useLanguage.ts";
import { Button, IconButton } from "../../ui/Button.tsx";
import { CopyButton } from "../../ui/CopyButton.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Popover } from "../../ui/Popover.tsx";
import type { Answer } from "../state/answerReducer.ts";
import { ROOT_PATH } from "../../protocol/addresses.ts";
import { askAgainByCurl, replayByCurl } from "./curl.ts";
import { evidenceOf } from "./evidenceOf.ts";
import { useChat } from "./chatContext.ts";
import type { Turn } from "../state/turns.ts";
import { FeedbackButtons } from "./FeedbackButtons.tsx";
import { iconButtonClass } from "../../ui/buttonClass.ts";
import styles from "./AnswerTools.module.css";

interface Props {
  readonly turn: Turn;
  readonly answer: Answer;
  readonly isLast: boolean;
}

/** What can be done with a finished answer. */
export function AnswerTools({ turn, answer, isLast }: Props) {
  const { session, renderers } = useChat();
  const t = useT();
  const server = window.location.origin + ROOT_PATH;
  const { runId, filters } = answer;
  const { sessionId } = session.getSnapshot();
  return (
    <div className={styles.tools} role="group" aria-label={t("chat:answer.tools")}>
      {turn.answers.length > 1 ? <Alternatives turn={turn} /> : null}
      {answer.text === "" ? null : (
        <CopyButton text={() => renderers.copyText(answer.text, evidenceOf(answer))}>{t("chat:answer.copy")}</CopyButton>
      )}
      {/* After an error, the note above offers the same as "Retry". */}
      {isLast && answer.messageId !== null && answer.phase !== "error" ? (
        <Button
          variant="quiet"
          icon="redo"
          onClick={() => {
            session.regenerate();
          }}
        >
          {t("chat:answer.again")}
        </Button>
      ) : null}
      {isLast && answer.messageId !== null && answer.phase !== "error" ? (
        <renderers.AnswerWith
          except={answer.model}
          hasFailed={false}
          onPick={(model) => {
            session.answerWith(model);
          }}
        />
      ) : null}
      <CopyButton text={() => askAgainByCurl(server, turn.question, sessionId, filters)}>
        {t("chat:answer.curl")}
      </CopyButton>
      {answer.messageId === null ? null : <FeedbackButtons answer={answer} />}
      {runId === null ? null : (
        <Popover
          side="above"
          label={t("chat:answer.more")}
          buttonClass={iconButtonClass("quiet")}
          trigger={<Icon name="dots" />}
        >
          <CopyButton text={() => replayByCurl(server, runId)}>{t("chat:answer.curlReplay")}</CopyButton>
        </Popover>
      )}
    </div>
  );
}

function Alternatives({ turn }: Pick<Props, "turn">) {
  const { session } = useChat();
  const t = useT();
  const { key, shown, answers, beside } = turn;
  const position = { shown: shown + 1, all: answers.length };
  return (
    <span className={styles.alternatives}>
      <IconButton
        icon="left"
        label={t("chat:answer.previous")}
        disabled={shown === 0}
        onClick={() => {
          session.choices.show(key, shown - 1);
        }}
      />
      <span role="img" aria-label={t("chat:answer.position", position)}>
        {position.shown}/{position.all}
      </span>
      <IconButton
        icon="right"
        label={t("chat:answer.next")}
        disabled={shown === answers.length - 1}
        onClick={() => {
          session.choices.show(key, shown + 1);
        }}
      />
      <Button
        variant="quiet"
        aria-pressed={beside !== null}
        onClick={() => {
          session.choices.compare(key);
        }}
      >
        {t("chat:answer.beside")}
      </Button>
    </span>
  );
}
