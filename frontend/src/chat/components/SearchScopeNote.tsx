import { Trans } from "react-i18next";

import { useT } from "../../i18n/useLanguage.ts";
import { isUnfiltered, NO_FILTERS } from "../../protocol/api.ts";
import { Button } from "../../ui/Button.tsx";
import type { Answer } from "../state/answerReducer.ts";
import { useChat } from "./chatContext.ts";
import note from "../../ui/note.module.css";
import styles from "./SearchScopeNote.module.css";

interface Props {
  readonly answer: Answer;
  readonly question: string;
  readonly isLast: boolean;
}

/** What was searched when that was not everything; after a refusal, the way to search the rest. */
export function SearchScopeNote({ answer, question, isLast }: Props) {
  const { session, renderers } = useChat();
  const t = useT();
  const { filters } = answer;
  if (filters === null || isUnfiltered(filters)) return null;
  const outside = answer.finishReason === "no_evidence" ? passagesOutside(answer) : 0;
  return (
    <div className={outside > 0 ? note.note : styles.scope}>
      <span>
        <Trans
          i18nKey="chat:searched.only"
          components={{ scope: <renderers.ScopeName filters={filters} /> }}
        />
        {outside > 0 ? `. ${t("chat:searched.outside", { count: outside })}` : null}
      </span>
      {outside > 0 && isLast ? (
        <Button
          variant="outlined"
          icon="search"
          onClick={() => {
            // Asked anew: another answer to the same question would keep its filter.
            session.choices.setFilters(NO_FILTERS);
            session.send(question);
          }}
        >
          {t("chat:searched.everything")}
        </Button>
      ) : null}
    </div>
  );
}

/** How many passages would have fitted, had the filter let them through. */
export function passagesOutside({ evidence }: Pick<Answer, "evidence">): number {
  const graded = evidence.findLast((event) => event.type === "grading_complete");
  return graded?.content.outside_filter ?? 0;
}
