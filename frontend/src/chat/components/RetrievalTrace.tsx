import type { ReactNode } from "react";
import { Trans } from "react-i18next";

import { useT } from "../../i18n/useLanguage.ts";
import { t } from "../../i18n/i18n.ts";
import type {
  Correction,
  FoundPassage,
  GradedPassage,
  PlanningCompletePayload,
  RetrievalCompletePayload,
} from "../../protocol/events.gen.ts";
import { count, duration, fixed, place } from "../../ui/format.ts";
import type { EvidenceEvent } from "../state/answerReducer.ts";
import { cx } from "../../ui/cx.ts";
import styles from "./RetrievalTrace.module.css";
import text from "../../ui/text.module.css";

/** The way to the answer: queries, candidates, what was kept or not and why, times. */
export function RetrievalTrace({ evidence }: { readonly evidence: readonly EvidenceEvent[] }) {
  useT();
  return (
    <ol className={styles.steps}>
      {evidence.map((event, index) => {
        const detail = detailOf(event);
        return detail === null ? null : <li key={index}>{detail}</li>;
      })}
    </ol>
  );
}

const MARKED = { b: <b />, q: <q dir="auto" /> };

function detailOf(event: EvidenceEvent) {
  switch (event.type) {
    case "planning_complete":
      return <Plan plan={event.content} />;
    case "retrieval_complete":
      return <SearchDetail found={event.content} />;
    case "reranking_complete": {
      const { kept, dropped, ms, note } = event.content;
      const values = { kept: kept.length, dropped: dropped.length };
      return (
        <>
          <StepLine ms={ms}>
            <Trans i18nKey="chat:found.ordered" values={values} components={MARKED} />
          </StepLine>
          {note ? <p>{note}</p> : null}
          <FoundPassages passages={kept} />
        </>
      );
    }
    case "grading_complete": {
      const { judge, decision, passages, ms } = event.content;
      const values = {
        judge: t(`chat:found.judge.${judge === "model" ? "model" : "score"}`),
        decision: t(`chat:found.decision.${decision}`),
      };
      return (
        <>
          <StepLine ms={ms}>
            <Trans i18nKey="chat:found.judged" values={values} components={MARKED} />
          </StepLine>
          <GradedPassages passages={passages} />
        </>
      );
    }
    case "rewriting_complete": {
      const { query, ms } = event.content;
      return (
        <StepLine ms={ms}>
          <Trans i18nKey="chat:found.again" values={{ query }} components={MARKED} />
        </StepLine>
      );
    }
    case "generation_start": {
      const { omitted } = event.content;
      if (!omitted) return null;
      const parts = [
        omitted.passages > 0 ? t("chat:found.omittedPassages", { count: omitted.passages }) : null,
        omitted.turns > 0 ? t("chat:found.omittedTurns", { count: omitted.turns }) : null,
        omitted.summarized_turns > 0
          ? t("chat:found.summarizedTurns", { count: omitted.summarized_turns })
          : null,
      ].filter((part) => part !== null);
      return <p>{t("chat:found.omitted", { what: parts.join(", ") })}</p>;
    }
    default:
      return null;
  }
}

function Plan({ plan }: { readonly plan: PlanningCompletePayload }) {
  const { kind, sources, queries, model_calls: calls, max_model_calls: max, ms } = plan;
  const values = { kind: t(`chat:questionKind.${kind}`) };
  return (
    <>
      <StepLine ms={ms}>
        <Trans i18nKey="chat:found.planned" values={values} components={MARKED} />
      </StepLine>
      <ul>
        {sources.map(({ source_id, title }) => (
          <li key={source_id}>
            <bdi>{title}</bdi>
          </li>
        ))}
        {queries?.map((query) => (
          <li key={query}>
            <q dir="auto">{query}</q>
          </li>
        ))}
      </ul>
      {typeof calls === "number" && typeof max === "number" ? (
        <p className={text.secondary}>{t("chat:found.modelCalls", { count: calls, max })}</p>
      ) : null}
    </>
  );
}

function SearchDetail({ found }: { readonly found: RetrievalCompletePayload }) {
  const values = {
    query: found.query,
    passages: count(found.searched_passages, "passage"),
    sources: count(found.searched_sources, "source"),
    candidates: count(found.doc_count, "candidate"),
  };
  return (
    <>
      <StepLine ms={found.ms}>
        <Trans i18nKey="chat:found.searched" values={values} components={MARKED} />
      </StepLine>
      <Corrections corrected={found.corrected ?? []} />
      <FoundPassages passages={found.top} />
    </>
  );
}

function Corrections({ corrected }: { readonly corrected: readonly Correction[] }) {
  return corrected.map(({ typed, searched }) => (
    <p key={typed}>
      <Trans i18nKey="chat:found.corrected" values={{ typed, searched }} components={MARKED} />
    </p>
  ));
}

function StepLine({ ms, children }: { readonly ms: number; readonly children: ReactNode }) {
  return (
    <p className={styles.row}>
      <span>{children}</span>
      <small>{duration(ms)}</small>
    </p>
  );
}

function FoundPassages({ passages }: { readonly passages: readonly FoundPassage[] }) {
  return (
    <ul>
      {passages.map((passage) => (
        <li key={passage.passage_id} className={styles.row}>
          <span className={styles.name}>
            <bdi>{passage.title}</bdi> <span className={text.secondary}>{place(passage)}</span>
          </span>
          <small>{fixed(passage.score, 2)}</small>
        </li>
      ))}
    </ul>
  );
}

function GradedPassages({ passages }: { readonly passages: readonly GradedPassage[] }) {
  return (
    <ul>
      {passages.map((passage) => (
        <li key={passage.passage_id} className={passage.kept ? styles.row : cx(styles.row, text.secondary)}>
          <span className={styles.name}>
            <b>{t(passage.kept ? "chat:found.keptPassage" : "chat:found.droppedPassage")}</b>{" "}
            <bdi>{passage.title}</bdi>
          </span>
          <small>{passage.reason}</small>
        </li>
      ))}
    </ul>
  );
}
