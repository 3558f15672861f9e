import { useQuery } from "@tanstack/react-query";

import { useT } from "../i18n/useLanguage.ts";
import { api } from "../protocol/client.ts";
import { QuestionList } from "./QuestionList.tsx";

interface Props {
  readonly sessionId: string;
  readonly messageId: string;
  readonly onAsk: (question: string) => void;
}

/** At most three questions to ask after an answer; its sources answer them. */
export function FollowUpQuestions({ sessionId, messageId, onAsk }: Props) {
  const t = useT();
  const { data } = useQuery({
    queryKey: ["questions", sessionId, messageId],
    queryFn: () => api.followUps(sessionId, messageId),
    retry: false,
    staleTime: Infinity,
  });
  return <QuestionList label={t("sources:followUps")} questions={data?.items ?? []} onAsk={onAsk} />;
}
