import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { NO_FILTERS } from "../../protocol/api.ts";
import type { EvidenceEvent } from "../state/answerReducer.ts";
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
