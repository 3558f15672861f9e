import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Event } from "../../protocol/events.gen.ts";
import { newAnswer, reduceAnswer, type Answer, type EvidenceEvent } from "../state/answerReducer.ts";
import { ChatSession } from "../session/ChatSession.ts";
import { SIGNED_OUT, UNREACHABLE } from "../state/chatState.ts";
import type { Turn } from "../state/turns.ts";
import { ChatContext } from "./chatContext.ts";
import type { ChatRenderers } from "./renderers.ts";
import { FakeServer, sessionOptions } from "../session/testing.ts";
import { AnswerTools } from "./AnswerTools.tsx";
import { ConnectionNote } from "./ConnectionNote.tsx";
import { LoadingNote } from "./LoadingNote.tsx";
import { errorText, AnswerOutcome } from "./AnswerOutcome.tsx";
import { QueuedQuestion } from "./QueuedQuestion.tsx";
import { Reasoning } from "./Reasoning.tsx";
import { StageLine } from "./StageLine.tsx";
import { TurnView } from "./TurnView.tsx";

const RENDERERS: ChatRenderers = {
  AnswerText: () => null,
  SourceList: () => null,
  ScopePicker: () => null,
  ModelPicker: () => null,
  ModelName: ({ name }) => `label of ${name ?? "none"}`,
  Destination: () => null,
  AnswerWith: ({ onPick, hasFailed }) => (
    <button
      type="button"
      onClick={() => {
        onPick("two");
      }}
    >
      {hasFailed ? "other after failure" : "other"}
    </button>
  ),
  FollowUps: () => null,
  ScopeName: () => null,
  Welcome: () => null,
  SaveAsDocument: () => null,
  copyText: (text) => text,
};
const session = new ChatSession("s-1", true, sessionOptions(new FakeServer()));
const onSignIn = vi.fn();
const chat = { session, renderers: RENDERERS, onAsk: vi.fn(), onSignIn };

const inChat = (part: ReactNode) => <ChatContext value={chat}>{part}</ChatContext>;

function show(change: Partial<Answer>, isLast = true): void {
  const answer = { ...newAnswer("a", "r"), messageId: "m", text: "Part", ...change };
  render(inChat(<AnswerOutcome {...{ answer, isLast }} stop={null} />));
}

const failed = (code: string): Partial<Answer> => ({
  phase: "error",
  failure: { code, message: "The model went away.", retryable: true },
});
const buttons = () => screen.queryAllByRole("button").map((button) => button.textContent);

afterEach(cleanup);

describe("StageLine", () => {
  it("keeps its place when an answer ends that was not searched for", () => {
    const generation: EvidenceEvent = {
      type: "generation_start",
      content: { stage: "generation", status: "started", passages: [] },
      timestamp: "2026-11-21T10:00:00.000Z",
    };
    const answer: Answer = { ...newAnswer("a", "r"), text: "Part", evidence: [generation] };
    const { container, rerender } = render(<StageLine answer={answer} />);
    expect(container.textContent).toContain("Generation…");
    rerender(<StageLine answer={{ ...answer, phase: "complete" }} />);
    expect(container.textContent).toBe("Based on the passages found earlier");
  });
});

describe("StageLine of a model that thinks", () => {
  const timestamp = "2026-11-21T10:00:00.000Z";
  const generation: EvidenceEvent = {
    type: "generation_start",
    content: { stage: "generation", status: "started", passages: [] },
    timestamp,
  };
  const begun: EvidenceEvent = {
    type: "reasoning_start",
    content: { stage: "reasoning", status: "started" },
    timestamp,
  };
  const thought: EvidenceEvent = {
    type: "reasoning_complete",
    content: { stage: "reasoning", status: "complete", text: "Passage [2]? <b>No.</b>", ms: 1200 },
    timestamp,
  };
  const answer: Answer = { ...newAnswer("a", "r"), text: "Part" };

  it("says that it thinks", () => {
    const { container, rerender } = render(
      <StageLine answer={{ ...answer, evidence: [generation, begun] }} />,
    );
    expect(container.querySelector(".running")?.textContent).toBe("Reasoning…");
    const evidence = [generation, begun, thought];
    rerender(<StageLine answer={{ ...answer, evidence }} />);
    expect(container.querySelector(".running")?.textContent).toBe("Generation…");
  });
});

describe("Reasoning", () => {
  const timestamp = "2026-11-21T10:00:00.000Z";
  const content = { stage: "reasoning" } as const;
  const events: Event[] = [
    { type: "reasoning_start", content: { ...content, status: "started" }, timestamp },
    { type: "reasoning_delta", content: { ...content, status: "streaming", text: "Passage " }, timestamp },
    { type: "reasoning_delta", content: { ...content, status: "streaming", text: "[2]?" }, timestamp },
    {
      type: "reasoning_complete",
      content: { ...content, status: "complete", text: "Passage [2]? <b>No.</b>", ms: 1200 },
      timestamp,
    },
  ];
  const after = (count: number): Answer =>
    events
      .slice(0, count)
      .reduce((answer, event, index) => reduceAnswer(answer, { id: index + 1, event }), newAnswer("a", "r"));

  it("is folded, grows while it comes, and stays open when it has been opened", () => {
    const { container, rerender } = render(<Reasoning answer={after(1)} />);
    expect(container.textContent).toBe("");
    rerender(<Reasoning answer={after(2)} />);
    const fold = container.querySelector("details");
    expect(fold?.open).toBe(false);
    fireEvent.click(screen.getByText("Reasoning so far"));
    rerender(<Reasoning answer={after(3)} />);
    expect(screen.getByRole("region", { name: "Reasoning" }).textContent).toBe("Passage [2]?");
    rerender(<Reasoning answer={{ ...after(4), phase: "complete" }} />);
    expect(screen.getByText("Reasoned for 1.2 s")).toBeDefined();
    expect(screen.getByText("Passage [2]? <b>No.</b>")).toBeDefined();
    expect(fold?.open).toBe(true);
  });

  it("begins anew when the call is repeated, and says when it was cut short", () => {
    const { rerender } = render(<Reasoning answer={after(2)} />);
    const [begun] = events;
    const again = reduceAnswer(after(3), { id: 9, event: begun ?? null });
    expect(again.reasoning).toBe("");
    rerender(<Reasoning answer={{ ...after(3), phase: "stopped" }} />);
    expect(screen.getByText("Reasoning, cut short")).toBeDefined();
  });
});

describe("TurnView", () => {
  it("heads two answers side by side with what their models are called", () => {
    vi.stubGlobal("matchMedia", () => ({ matches: true, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
    const [one, two] = ["one", "two"].map((model) => ({ ...newAnswer(model, "r"), model, text: "Part" }));
    if (one === undefined || two === undefined) throw new Error("two answers");
    const turn: Turn = { key: "t", question: "Why?", answers: [one, two], shown: 1, beside: "one" };
    render(inChat(<TurnView {...{ turn }} isLast stop={null} onEdit={vi.fn()} />));
    const headings = screen.getAllByRole("heading", { level: 3 }).map((heading) => heading.textContent);
    expect(headings).toEqual(["label of one", "label of two"]);
    vi.unstubAllGlobals();
  });
});

describe("ConnectionNote", () => {
  it.each([
    ["offline", true, "You are offline. The answer continues and appears when you are back online."],
    ["offline", false, "You are offline. You can read this page; new questions need a connection."],
    ["reconnecting", true, "Connection lost. Reconnecting…"],
    ["reconnecting", false, undefined],
    ["open", true, undefined],
  ] as const)("says of a connection that is %s (an answer is written: %s): %s", (connection, isBusy, text) => {
    render(<ConnectionNote {...{ connection, isBusy }} isBuffered={false} />);
    expect(screen.queryByRole("status")?.textContent).toBe(text);
  });
});

describe("AnswerOutcome", () => {
  it("tells what happened, what is kept, and offers what helps", () => {
    show(failed("UPSTREAM_TRUNCATED"));
    expect(screen.getByRole("alert").textContent).toContain("The model went away. The text shown here is kept.");
    expect(buttons()).toEqual(["Retry", "other after failure", "Continue"]);
  });

  it("says once that what is shown is kept when the server was interrupted", () => {
    const message = "The server was interrupted while it was answering. What was written is kept.";
    const failure = { code: "INTERRUPTED", message, retryable: true };
    expect(errorText({ failure, text: "Part" })).toBe(
      "The server was interrupted while answering. The text shown here is kept.",
    );
    expect(errorText({ failure, text: "" })).toBe("The server was interrupted while answering.");
  });

  it("offers the same question once: Retry after an error, Regenerate otherwise", () => {
    const answer = { ...newAnswer("a", "r"), messageId: "m", text: "Part" };
    const turn: Turn = { key: "t", question: "Why?", answers: [answer], shown: 0, beside: null };
    const tools = { turn, isLast: true };
    const again = ["Retry", "Regenerate"];
    for (const [phase, offered] of [["error", ["Retry"]], ["complete", ["Regenerate"]], ["stopped", ["Regenerate"]]] as const) {
      const ended: Answer = { ...answer, phase };
      render(
        inChat(
          <>
            <AnswerOutcome answer={ended} isLast stop={null} />
            <AnswerTools {...tools} answer={ended} />
          </>,
        ),
      );
      expect(buttons().filter((name) => again.includes(name))).toEqual(offered);
      cleanup();
    }
  });

  it("offers only the sign-in to whom is signed out", () => {
    show(failed(SIGNED_OUT));
    expect(buttons()).toEqual(["Sign in"]);
    fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect(onSignIn).toHaveBeenCalledOnce();
  });

  it("continues a stopped answer, if it is the last", () => {
    show({ phase: "stopped" });
    expect(buttons()).toEqual(["Continue"]);
    cleanup();
    show({ phase: "stopped" }, false);
    expect(buttons()).toEqual([]);
  });

  it("has its own words for a server that is gone", () => {
    const failure = { code: UNREACHABLE, message: "", retryable: true };
    expect(errorText({ failure, text: "" })).toBe("The server cannot be reached.");
  });
});

describe("QueuedQuestion", () => {
  it("can be edited, dropped, and sent once nothing runs", () => {
    const onChange = vi.fn();
    const onSend = vi.fn();
    const { rerender } = render(<QueuedQuestion question="Next?" canSend={false} {...{ onChange, onSend }} />);
    fireEvent.change(screen.getByLabelText("Next question"), { target: { value: "Next one?" } });
    expect(onChange).toHaveBeenLastCalledWith("Next one?");
    fireEvent.click(screen.getByRole("button", { name: "Remove" }));
    expect(onChange).toHaveBeenLastCalledWith(null);
    expect(screen.queryByRole("button", { name: "Send now" })).toBeNull();
    rerender(<QueuedQuestion question="Next?" canSend {...{ onChange, onSend }} />);
    fireEvent.click(screen.getByRole("button", { name: "Send now" }));
    expect(onSend).toHaveBeenCalledOnce();
  });
});

describe("LoadingNote", () => {
  it.each([
    ["missing", "This conversation does not exist, or you do not have access to it.", []],
    ["failed", "The conversation could not be loaded.", ["Try again"]],
    ["signed out", "Sign in to read this conversation.", ["Sign in"]],
  ] as const)("says what is the matter when it is %s", (loading, words, helps) => {
    render(<LoadingNote loading={loading} onRetry={vi.fn()} onSignIn={onSignIn} />);
    expect(document.body.textContent).toContain(words);
    expect(buttons()).toEqual(helps);
  });
});
