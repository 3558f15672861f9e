import { useT } from "../i18n/useLanguage.ts";
import { useSuggestedQuestions } from "./useSources.ts";
import styles from "./SuggestedQuestions.module.css";

interface Props {
  readonly sourceId: string;
  readonly onAsk: (question: string) => void;
}

/** At most three questions that this source answers. */
export function SuggestedQuestions({ sourceId, onAsk }: Props) {
  const t = useT();
  const questions = useSuggestedQuestions(sourceId);
  if (questions.length === 0) return null;
  return (
    <ul className={styles.list} aria-label={t("sources:suggested")}>
      {questions.map(({ question }) => (
        <li key={question}>
          <button
            type="button"
            className={styles.question}
            dir="auto"
            onClick={() => {
              onAsk(question);
            }}
          >
            {question}
          </button>
        </li>
      ))}
    </ul>
  );
}
