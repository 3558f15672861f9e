import { memo } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { IconButton } from "../../ui/Button.tsx";
import type { StopOutcome } from "../state/chatState.ts";
import type { Turn } from "../state/turns.ts";
import { AnswerView } from "./AnswerView.tsx";
import { useChat } from "./chatContext.ts";
import styles from "./TurnView.module.css";

interface Props {
  readonly turn: Turn;
  readonly isLast: boolean;
  readonly onEdit: (question: string) => void;
  /** What the server said of stopping the answer on screen. */
  readonly stop: StopOutcome | null;
}

/** A question and the answer on screen, or two of them side by side. Memoised: only the running turn draws again. */
export const TurnView = memo(function TurnView({ turn, isLast, stop, onEdit }: Props) {
  const t = useT();
  const { renderers } = useChat();
  const answer = turn.answers[turn.shown];
  const other = turn.answers.find(({ key }) => key === turn.beside && key !== answer?.key);
  return (
    <section data-turn className={styles.turn} aria-label={t("chat:question.label", { question: turn.question })}>
      <div className={styles.questionRow}>
        <IconButton
          icon="pen"
          label={t("chat:question.edit")}
          className={styles.editButton}
          onClick={() => {
            onEdit(turn.question);
          }}
        />
        <h2 className={styles.question} dir="auto">
          {turn.question}
        </h2>
      </div>
      {answer === undefined ? null : other === undefined ? (
        <AnswerView {...{ turn, answer, isLast, stop }} />
      ) : (
        <div className={styles.pairBox}>
          <div className={styles.pair}>
            <div>
              <h3 className={styles.model} dir="auto">
                <renderers.ModelName name={other.model} />
              </h3>
              <AnswerView turn={{ ...turn, answers: [other], shown: 0 }} answer={other} isLast={false} stop={null} />
            </div>
            <div>
              <h3 className={styles.model} dir="auto">
                <renderers.ModelName name={answer.model} />
              </h3>
              <AnswerView {...{ turn, answer, isLast, stop }} />
            </div>
          </div>
        </div>
      )}
    </section>
  );
});
