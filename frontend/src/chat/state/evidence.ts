import { t } from "../../i18n/i18n.ts";
import { count } from "../../ui/format.ts";
import type { EvidenceEvent } from "./answerReducer.ts";

/** One step towards the answer, as the evidence line shows it. */
export interface Step {
  /** As the reader's language calls it. */
  readonly name: string;
  readonly isRunning: boolean;
  /** What came of it; empty while it runs. */
  readonly result: string;
  readonly ms: number | null;
}

/** The steps so far, in order; a completed stage replaces its start. */
export function stepsOf(evidence: readonly EvidenceEvent[]): Step[] {
  const steps: Step[] = [];
  for (const event of evidence) {
    const name = t(`chat:stage.${event.content.stage}`);
    if (event.content.status === "started") {
      // Writing begins again, with a shorter prompt, when the model refused the first.
      if (steps.at(-1)?.name === name && steps.at(-1)?.isRunning) continue;
      steps.push({ name, isRunning: true, result: "", ms: null });
      continue;
    }
    const open = steps.findLastIndex((step) => step.name === name && step.isRunning);
    const done: Step = { name, isRunning: false, ...resultOf(event) };
    if (open === -1) steps.push(done);
    else steps[open] = done;
  }
  return steps;
}

function resultOf(event: EvidenceEvent): Pick<Step, "result" | "ms"> {
  switch (event.type) {
    case "planning_complete": {
      const { kind, queries, ms } = event.content;
      const count = queries?.length ?? 0;
      const result = count ? t("chat:step.queries", { count }) : t(`chat:questionKind.${kind}`);
      return { result, ms };
    }
    case "retrieval_complete": {
      const { doc_count, searched_sources, ms } = event.content;
      const found = {
        passages: count(doc_count, "passage"),
        sources: count(searched_sources, "source"),
      };
      return { result: t("chat:step.found", found), ms };
    }
    case "reranking_complete":
      return {
        result: t("chat:step.kept", { count: event.content.kept.length }),
        ms: event.content.ms,
      };
    case "grading_complete": {
      const kept = event.content.passages.filter((passage) => passage.kept).length;
      const verdict = {
        answer: t("chat:step.fit", { count: kept }),
        rewrite: t("chat:step.notEnough"),
        refuse: t("chat:step.noneFits"),
      };
      return { result: verdict[event.content.decision], ms: event.content.ms };
    }
    case "rewriting_complete":
      return { result: t("chat:step.query", { query: event.content.query }), ms: event.content.ms };
    case "reasoning_complete":
      return { result: t("chat:step.thought"), ms: event.content.ms };
    default:
      return { result: "", ms: null };
  }
}
