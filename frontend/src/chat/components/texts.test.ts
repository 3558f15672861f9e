import { render } from "@testing-library/react";
import { createElement } from "react";
import { describe, expect, it } from "vitest";

import { NO_FILTERS } from "../../protocol/api.ts";
import { Announcer, sentenceEnd } from "./announce.ts";
import { newAnswer, type Answer, type EvidenceEvent } from "../state/answerReducer.ts";
import { backoffMs } from "../session/backoff.ts";
import { metrics } from "./AnswerMetrics.tsx";
import { errorText, receiptText } from "./AnswerOutcome.tsx";
import { askAgainByCurl, replayByCurl } from "./curl.ts";
import { RetrievalTrace } from "./RetrievalTrace.tsx";
import { stepsOf } from "../state/evidence.ts";

const at = "2026-11-20T10:30:40.000Z";
const started: EvidenceEvent = {
  type: "retrieval_start",
  content: { stage: "retrieval", status: "started", attempt: 1 },
  timestamp: at,
};
const found: EvidenceEvent = {
  type: "retrieval_complete",
  content: {
    stage: "retrieval",
    status: "complete",
    attempt: 1,
    doc_count: 40,
    searched_passages: 180,
    searched_sources: 1,
    ms: 21.4,
    query: "q",
    filters: NO_FILTERS,
    top: [],
  },
  timestamp: at,
};

const writing: EvidenceEvent = {
  type: "generation_start",
  content: {
    stage: "generation",
    status: "started",
    passages: [],
    omitted: { turns: 150, summarized_turns: 1, passages: 2 },
  },
  timestamp: at,
};

describe("How this was found", () => {
  it("says what was left out to fit the model", () => {
    const { container } = render(createElement(RetrievalTrace, { evidence: [found, writing] }));
    expect(container.textContent).toContain(
      "To fit the model’s context window: 2 passages left out, 150 earlier questions left out, " +
        "1 earlier question in one line",
    );
  });
});

describe("stepsOf", () => {
  it("has one step for writing that began again", () => {
    expect(stepsOf([found, writing, writing]).map(({ name }) => name)).toEqual(["Retrieval", "Generation"]);
  });

  it("has a stage running until it completes", () => {
    expect(stepsOf([started])).toEqual([
      { name: "Retrieval", isRunning: true, result: "", ms: null },
    ]);
    expect(stepsOf([started, found])).toEqual([
      { name: "Retrieval", isRunning: false, result: "40 passages found in 1 source", ms: 21.4 },
    ]);
  });

  it("keeps both searches when the first one did not find enough", () => {
    expect(stepsOf([started, found, started])).toMatchObject([
      { isRunning: false },
      { isRunning: true },
    ]);
  });
});

describe("Announcer", () => {
  const live = (change: Partial<Answer>): Answer => ({ ...newAnswer("a", "r"), ...change });

  it("says stages, then whole sentences, then the end", () => {
    const announcer = new Announcer();
    expect(announcer.next(live({ evidence: [started] }))).toBe("Retrieval…");
    expect(announcer.next(live({ evidence: [started] }))).toBeNull();
    expect(announcer.next(live({ text: "Nausea is **com" }))).toBeNull();
    expect(announcer.next(live({ text: "Nausea is **common** [1]. Ra" }))).toBe("Nausea is common .");
    const ended = live({ text: "Nausea is **common** [1]. Rash is rare.", phase: "complete" });
    expect(announcer.next(ended)).toBe("Rash is rare. Answer complete.");
    expect(announcer.next(ended)).toBeNull();
  });

  it("does not read stored answers aloud", () => {
    expect(new Announcer().next(live({ phase: "complete", text: "Old. " }))).toBeNull();
  });

  it.each([
    ["One. Two", 5],
    ["No end", 0],
    ["Dose 1.5 mg", 0],
    ["Line\nnext", 5],
    ["Cited. [1] Next", 11],
  ])("finds the last sentence end of %j", (text, end) => {
    expect(sentenceEnd(text)).toBe(end);
  });
});

describe("words for people", () => {
  const receipt = {
    stopped: true,
    already: false,
    upstream_closed: true,
    upstream_closed_ms: 14.2,
    tokens_kept: 57,
    message_id: "m",
  };

  it("gives the receipt in one line", () => {
    expect(receiptText(receipt)).toBe("Model stopped after 14 ms, 57 tokens kept.");
    expect(receiptText({ ...receipt, upstream_closed_ms: null, tokens_kept: 1 })).toBe(
      "Stopped, 1 token kept.",
    );
    expect(receiptText({ ...receipt, already: true })).toBe("The answer had already ended.");
    expect(receiptText({ pending: true })).toContain("not confirmed it yet");
    expect(receiptText("unconfirmed")).toContain("did not confirm");
  });

  it("says that partial text is kept", () => {
    const failure = { code: "TIMEOUT", message: "The model was silent.", retryable: true };
    const broken = { ...newAnswer("a", "r"), failure };
    expect(errorText(broken)).toBe("The model was silent.");
    expect(errorText({ ...broken, text: "x" })).toBe("The model was silent. The text shown here is kept.");
  });

  it("lists only figures that are known", () => {
    expect(metrics(newAnswer("a", "r"))).toEqual([["Passages", "0"]]);
    const timings = { retrieval_ms: 20, first_token_ms: 100, total_ms: 1100 };
    const usage = { input_tokens: 9, output_tokens: 50, estimated: true };
    expect(metrics({ ...newAnswer("a", "r"), timings, usage, model: "m" })).toEqual([
      ["Retrieval", "20 ms"],
      ["First token", "100 ms"],
      ["Total", "1.1 s"],
      ["Speed", "50 tokens/s"],
      ["Tokens", "about 9 in, 50 out"],
      ["Model", "m"],
      ["Passages", "0"],
    ]);
  });
});

describe("curl", () => {
  it("survives quotes and carries the scope", () => {
    const filters = { ...NO_FILTERS, kinds: ["recording" as const] };
    expect(askAgainByCurl("http://h", "What's new?", "s-1", null)).toBe(
      String.raw`curl -N -X POST 'http://h/chat' -H 'Content-Type: application/json' -d '{"message":"What'\''s new?","session_id":"s-1"}'`,
    );
    expect(askAgainByCurl("http://h", "q", "s-1", filters)).toContain('"kinds":["recording"]');
    const dated = { ...NO_FILTERS, after: "2026-11-01" };
    expect(askAgainByCurl("http://h", "q", "s-1", dated)).toContain('"after":"2026-11-01"');
  });

  it("replays the stream of one run", () => {
    expect(replayByCurl("http://h", "r-1")).toBe("curl -N 'http://h/runs/r-1/events'");
  });
});

describe("backoffMs", () => {
  it("doubles up to ten seconds, and jitter takes at most half", () => {
    const longest = [0, 1, 2, 9, 99].map((attempt) => backoffMs(attempt, () => 1));
    expect(longest).toEqual([250, 500, 1000, 10_000, 10_000]);
    expect(backoffMs(1, () => 0)).toBe(250);
  });
});
