import { useT } from "../i18n/useLanguage.ts";
import { QuestionList } from "./QuestionList.tsx";
import { useSuggestedQuestions } from "./useSources.ts";

interface Props {
  readonly sourceId: string;
  readonly onAsk: (question: string) => void;
}

/** At most three questions that this source answers. */
export function SuggestedQuestions({ sourceId, onAsk }: Props) {
  const t = useT();
  return <QuestionList label={t("sources:suggested")} questions={useSuggestedQuestions(sourceId)} onAsk={onAsk} />;
}
