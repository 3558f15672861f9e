import type { ReactNode } from "react";

import type { FoundPassage, GradedPassage } from "../../protocol/events.gen.ts";
import { count, duration, place } from "../../ui/format.ts";
import type { EvidenceEvent } from "../answerReducer.ts";

/** The way to the answer: queries, candidates, what was kept or not and why, times. */
export function FoundDetails({ evidence }: { readonly evidence: readonly EvidenceEvent[] }) {
  return (
    <ol className="how-steps">
      {evidence.map((event, index) => {
        const detail = detailOf(event);
        return detail === null ? null : <li key={index}>{detail}</li>;
      })}
    </ol>
  );
}

function detailOf(event: EvidenceEvent) {
  switch (event.type) {
    case "retrieval_complete": {
      const { query, searched_passages, searched_sources, doc_count, ms, top } = event.content;
      return (
        <>
          <StepLine ms={ms}>
            Searched {count(searched_passages, "passage")} of {count(searched_sources, "source")}{" "}
            for <q>{query}</q>: <b>{count(doc_count, "candidate")}</b>, the best of them
          </StepLine>
          <Found passages={top} />
        </>
      );
    }
    case "reranking_complete": {
      const { kept, dropped, ms } = event.content;
      return (
        <>
          <StepLine ms={ms}>
            Put in order: <b>kept {kept.length}</b>, dropped {dropped.length}
          </StepLine>
          <Found passages={kept} />
        </>
      );
    }
    case "grading_complete": {
      const { judge, decision, passages, ms } = event.content;
      return (
        <>
          <StepLine ms={ms}>
            Judged by {judge === "model" ? "the model" : "scores"}: <b>{DECISIONS[decision]}</b>
          </StepLine>
          <Graded passages={passages} />
        </>
      );
    }
    case "rewriting_complete":
      return (
        <StepLine ms={event.content.ms}>
          Asked again as <q>{event.content.query}</q>
        </StepLine>
      );
    default:
      return null;
  }
}

const DECISIONS = {
  answer: "enough to answer",
  rewrite: "not enough, search again",
  refuse: "nothing answers the question",
} as const;

function StepLine({ ms, children }: { readonly ms: number; readonly children: ReactNode }) {
  return (
    <p className="how-row">
      <span>{children}</span>
      <small>{duration(ms)}</small>
    </p>
  );
}

function Found({ passages }: { readonly passages: readonly FoundPassage[] }) {
  return (
    <ul>
      {passages.map((passage) => (
        <li key={passage.passage_id} className="how-row">
          <span className="how-name">
            {passage.title} <span className="soft">{place(passage)}</span>
          </span>
          <small>{passage.score.toFixed(2)}</small>
        </li>
      ))}
    </ul>
  );
}

function Graded({ passages }: { readonly passages: readonly GradedPassage[] }) {
  return (
    <ul>
      {passages.map((passage) => (
        <li key={passage.passage_id} className={passage.kept ? "how-row" : "how-row soft"}>
          <span className="how-name">
            <b>{passage.kept ? "Kept" : "Left out"}</b> {passage.title}
          </span>
          <small>{passage.reason}</small>
        </li>
      ))}
    </ul>
  );
}
