import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { NO_FILTERS } from "../../protocol/api.ts";
import type { EvidenceEvent } from "../state/answerReducer.ts";
import { stepsOf } from "../state/evidence.ts";
import { RetrievalTrace } from "./RetrievalTrace.tsx";

const found: Extract<EvidenceEvent, { type: "retrieval_complete" }> = {
  type: "retrieval_complete",
  content: {
    stage: "retrieval",
    status: "complete",
    attempt: 1,
    doc_count: 0,
    searched_passages: 180,
    searched_sources: 1,
    ms: 21.4,
    query: "maximum dose ibuprofen",
    filters: NO_FILTERS,
    top: [],
  },
  timestamp: "2026-11-20T10:30:40.000Z",
};

const shown = (corrected?: { typed: string; searched: string }[]) => {
  const content = { ...found.content, ...(corrected ? { corrected } : {}) };
  return render(<RetrievalTrace evidence={[{ ...found, content }]} />).container
    .textContent;
};

afterEach(cleanup);

it("says which words were taken for typing errors", () => {
  expect(shown([{ typed: "ibuprofin", searched: "ibuprofen" }])).toContain(
    "Searched for ibuprofen instead of ibuprofin.",
  );
  cleanup();
  expect(shown()).not.toContain("instead of");
});

it("lists what is searched for a question with several parts, and the model calls it took", () => {
  const plan = (calls?: { model_calls: number; max_model_calls: number }): EvidenceEvent => ({
    type: "planning_complete",
    content: {
      stage: "planning",
      status: "complete",
      kind: "multi_step",
      sources: [],
      ms: 3,
      queries: ["What is the dose?", "Who must not take it?"],
      ...calls,
    },
    timestamp: "2026-11-20T10:30:40.000Z",
  });
  const trace = (event: EvidenceEvent) => render(<RetrievalTrace evidence={[event]} />).container;
  const counted = trace(plan({ model_calls: 1, max_model_calls: 6 }));
  expect([...counted.querySelectorAll("li q")].map((one) => one.textContent)).toEqual([
    "What is the dose?",
    "Who must not take it?",
  ]);
  expect(counted.textContent).toContain("Model calls to plan these searches: 1, of at most 6");
  cleanup();
  expect(trace(plan()).textContent).not.toContain("Model calls");
  expect(stepsOf([plan()])).toMatchObject([{ result: "2 searches" }]);
});
