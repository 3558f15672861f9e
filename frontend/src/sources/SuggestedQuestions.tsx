import { useTranslation } from "react-i18next";

import { useSuggestedQuestions } from "./useSources.ts";

interface Props {
  readonly sourceId: string;
  readonly onAsk: (question: string) => void;
}

/** At most three questions that this source answers. */
export function SuggestedQuestions({ sourceId, onAsk }: Props) {
  const { t } = useTranslation("sources");
  const questions = useSuggestedQuestions(sourceId);
  if (questions.length === 0) return null;
  return (
    <ul className="suggested" aria-label={t("suggested")}>
      {questions.map(({ question }) => (
        <li key={question}>
          <button
            type="button"
            className="suggested-question"
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
