import type { SuggestedQuestion } from "../protocol/api.ts";
import styles from "./QuestionList.module.css";

interface Props {
  readonly label: string;
  readonly questions: readonly SuggestedQuestion[];
  readonly onAsk: (question: string) => void;
}

/** Questions that are asked with a click. */
export function QuestionList({ label, questions, onAsk }: Props) {
  if (questions.length === 0) return null;
  return (
    <ul className={styles.list} aria-label={label}>
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
