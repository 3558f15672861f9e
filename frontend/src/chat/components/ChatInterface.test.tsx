import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../../i18n/i18n.ts";
import { DONE, OpenStream, STARTED } from "../session/testing.ts";
import { ChatInterface } from "./ChatInterface.tsx";
import type { ChatRenderers } from "./renderers.ts";

const TURNS = 5;
const TOKENS = 10;

/** How often each part of the page was drawn. */
const drawn = new Map<string, number>();

function record(part: string): null {
  drawn.set(part, (drawn.get(part) ?? 0) + 1);
  return null;
}

const RENDERERS: ChatRenderers = {
  AnswerText: ({ text }) => <p>{text}</p>,
  // Drawn with every answer that has ended.
  SourceList: () => record("answer"),
  ScopePicker: () => record("composer"),
  ModelPicker: () => null,
  ModelName: ({ name }) => `label of ${name ?? "none"}`,
  Destination: () => null,
  AnswerWith: () => null,
  FollowUps: () => null,
  ScopeName: () => null,
  Welcome: () => null,
  SaveAsDocument: () => null,
  copyText: (text) => text,
};

function stored(role: string, turn: number): object {
  return {
    ...{ message_id: `${role}-${turn}`, role, status: "complete", finish_reason: "stop", citations: [] },
    ...{ evidence: [], run_id: `r-${turn}`, question_id: `user-${turn}`, feedback: null, created_at: "" },
    ...{ usage: null, timings: null, error: null, model: null, filters: null, content: `${role} ${turn}` },
  };
}

function serve(stream: OpenStream): void {
  const items = Array.from({ length: TURNS }, (_, turn) => [stored("user", turn), stored("assistant", turn)]);
  const conversation = { session_id: "s-1", title: "t", filters: STARTED.filters, updated_at: "", active_run_id: null };
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const address = input instanceof Request ? input.url : input.toString();
    if (address === "/chat") return Promise.resolve(stream.response);
    const isMessages = address.includes("/messages");
    return Promise.resolve(Response.json(isMessages ? { items: items.flat().toReversed(), next: null } : conversation));
  });
}

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  vi.stubGlobal("ResizeObserver", class { observe = vi.fn(); disconnect = vi.fn(); });
  Element.prototype.scrollTo = () => undefined;
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("ChatInterface", () => {
  it("draws only the running answer for each token", async () => {
    const stream = new OpenStream();
    serve(stream);
    const nothing = () => undefined;
    render(
      <ChatInterface sessionId="s-1" isNew={false} renderers={RENDERERS} onActivity={nothing} onSignIn={nothing} />,
    );
    await screen.findByText(`assistant ${TURNS - 1}`);
    fireEvent.change(screen.getByRole("textbox"), { target: { value: "Next?" } });
    fireEvent.keyDown(screen.getByRole("textbox"), { key: "Enter" });
    stream.event(1, "run_start", STARTED);
    stream.event(2, "token", "begin ");
    await screen.findByText(/begin/);
    expect(drawn.get("answer")).toBeGreaterThanOrEqual(TURNS);
    const before = new Map(drawn);
    for (let token = 0; token < TOKENS; token += 1) {
      stream.event(3 + token, "token", `word${token} `);
      await screen.findByText(new RegExp(`word${token}\\b`));
    }
    expect(drawn).toEqual(before);
    stream.event(3 + TOKENS, "done", DONE);
    await vi.waitFor(() => {
      expect(drawn.get("answer")).toBeGreaterThan(before.get("answer") ?? 0);
    });
  });
});
