import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ChatSession } from "./ChatSession.ts";
import { lastAnswer, type ChatSnapshot } from "../state/chatState.ts";
import { DONE, eventually, FakeServer, FakeSignals, OpenStream, refusal, sessionOptions, STARTED } from "./testing.ts";

const NO_FILTERS = STARTED.filters;
const CONVERSATION = {
  session_id: "s-1",
  title: "t",
  filters: NO_FILTERS,
  updated_at: "2026-11-20T10:00:00.000Z",
  active_run_id: null as string | null,
};
const QUESTION = stored("user", "q-1", { content: "Question?" });

function stored(role: string, id: string, more: object): object {
  const never = { usage: null, timings: null, error: null, model: null, filters: null };
  return {
    ...{ message_id: id, role, status: "complete", finish_reason: null, citations: [] },
    ...{ evidence: [], run_id: null, question_id: "q-1", feedback: null, created_at: "" },
    ...never,
    ...more,
  };
}

let server: FakeServer;
let signals: FakeSignals;
let session: ChatSession;
let signedIn: () => void;
let close: () => void;

function open(isNew: boolean, remotePollMs = 60_000): void {
  const signIn = {
    onDone: (listener: () => void) => {
      signedIn = listener;
      return () => undefined;
    },
  };
  const options = { ...sessionOptions(server, signals), signIn, remotePollMs };
  session = new ChatSession("s-1", isNew, options);
  close = session.open();
}

function holds(conversation: object, ...messages: object[]): void {
  server.on("GET /conversations/s-1", () => Response.json({ ...CONVERSATION, ...conversation }));
  server.on("GET /conversations/s-1/messages", () =>
    Response.json({ items: [QUESTION, ...messages].toReversed(), next: null }),
  );
}

const now = (): ChatSnapshot => session.getSnapshot();
const text = (): string => lastAnswer(now().turns)?.text ?? "";

beforeEach(() => {
  server = new FakeServer();
  signals = new FakeSignals();
});

afterEach(() => {
  close();
});

describe("a tab behind others", () => {
  it("sends the waiting question when it is looked at", async () => {
    open(true);
    const first = server.stream("POST /chat");
    session.send("One?");
    session.send("Two?");
    signals.isHidden = true;
    first.event(1, "run_start", STARTED);
    first.event(2, "done", DONE);
    await eventually(() => now().phase === "complete");
    expect(now().queued).toBe("Two?");
    const second = server.stream("POST /chat");
    server.on("POST /chat", () => second.response);
    signals.give("visible");
    expect(now().queued).toBeNull();
    expect(server.requestsTo("POST /chat")).toHaveLength(2);
  });

  it("keeps the waiting question when the answer was stopped, until it is sent by hand", async () => {
    open(true);
    const first = server.stream("POST /chat");
    server.on("POST /runs/id-2/stop", () => refusal(404, "not_found"));
    session.send("One?");
    first.event(1, "token", "Part");
    await eventually(() => text() === "Part");
    session.send("Two?");
    first.event(2, "done", { ...DONE, finish_reason: "stopped" });
    await eventually(() => now().phase === "stopped");
    signals.give("visible");
    expect(now().queued).toBe("Two?");
    server.stream("POST /chat");
    session.sendQueued();
    expect(now().queued).toBeNull();
  });
});

describe("a sign-in that ended", () => {
  it("keeps the text, and goes on with the same answer when somebody signed in", async () => {
    open(true);
    const first = server.stream("POST /chat");
    server.on("GET /runs/id-2/events", () => refusal(401, "sign_in_required", { auth: "token" }));
    session.send("Question?");
    first.event(1, "run_start", STARTED);
    first.event(2, "token", "Part");
    await eventually(() => text() === "Part");
    first.break();
    await eventually(() => now().phase === "error");
    expect(lastAnswer(now().turns)).toMatchObject({
      text: "Part",
      failure: { code: "sign_in_required" },
    });
    const whole = { status: "complete", finish_reason: "stop", run_id: "id-2", content: "Part two" };
    holds({}, stored("assistant", "m-1", whole));
    signedIn();
    await eventually(() => now().phase === "complete");
    expect(text()).toBe("Part two");
  });

  it("keeps a question that was refused, and sends it when somebody signed in", async () => {
    open(true);
    server.on("POST /chat", () => refusal(401, "sign_in_required", { auth: "token" }));
    session.send("Question?");
    await eventually(() => now().phase === "error");
    const stream = new OpenStream();
    server.replace("POST /chat", () => stream.response);
    signedIn();
    stream.event(1, "token", "Answer");
    await eventually(() => text() === "Answer");
    expect(now().turns).toHaveLength(1);
  });
});

describe("a conversation that went on elsewhere", () => {
  it("shows what was asked there, and follows it, without drawing the rest anew", async () => {
    const first = { status: "complete", finish_reason: "stop", run_id: "r-1", content: "First" };
    holds({}, stored("assistant", "m-1", first));
    open(false);
    await eventually(() => now().loading === "ready");
    const kept = now().turns[0];
    const running = server.stream("GET /runs/r-2/events");
    const question = stored("user", "q-2", { content: "And then?", question_id: null });
    const begun = { status: "streaming", run_id: "r-2", question_id: "q-2", content: "" };
    server.replace("GET /conversations/s-1", () =>
      Response.json({ ...CONVERSATION, updated_at: "later", active_run_id: "r-2" }),
    );
    server.replace("GET /conversations/s-1/messages", () =>
      Response.json({
        items: [stored("assistant", "m-2", begun), question, stored("assistant", "m-1", first), QUESTION],
        next: null,
      }),
    );
    signals.give("visible");
    await eventually(() => now().turns.length === 2);
    expect(now().turns[0]).toBe(kept);
    running.event(1, "token", "Second");
    await eventually(() => text() === "Second");
  });

  it("is looked for every now and then, but not behind other tabs", async () => {
    const first = { status: "complete", finish_reason: "stop", run_id: "r-1", content: "First" };
    holds({}, stored("assistant", "m-1", first));
    open(false, 5);
    const looked = () => server.requestsTo("GET /conversations/s-1").length;
    await eventually(() => looked() >= 3);
    expect(server.requestsTo("GET /conversations/s-1/messages")).toHaveLength(1);
    signals.isHidden = true;
    const before = looked();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(looked()).toBeLessThanOrEqual(before + 1);
  });
});

describe("feedback", () => {
  it("is shown at once, stored, and taken back when it could not be stored", async () => {
    const first = { status: "complete", finish_reason: "stop", run_id: "r-1", content: "First" };
    holds({}, stored("assistant", "m-1", first));
    open(false);
    await eventually(() => now().loading === "ready");
    const route = "PUT /conversations/s-1/messages/m-1/feedback";
    server.on(route, () => new Response(null, { status: 204 }));
    const good = { rating: "up", comment: "" } as const;
    expect(await session.giveFeedback("m-1", good)).toBe(true);
    expect(server.requestsTo(route)[0]?.body).toEqual(good);
    server.replace(route, () => refusal(503, "store_unavailable"));
    expect(await session.giveFeedback("m-1", { rating: "down", comment: "No" })).toBe(false);
    expect(lastAnswer(now().turns)?.feedback).toEqual(good);
  });

  it("is stored in the order in which it was said; what was said last stays", async () => {
    const first = { status: "complete", finish_reason: "stop", run_id: "r-1", content: "First" };
    holds({}, stored("assistant", "m-1", first));
    open(false);
    await eventually(() => now().loading === "ready");
    const route = "PUT /conversations/s-1/messages/m-1/feedback";
    const answered: ((response: Response) => void)[] = [];
    server.on(route, () => new Promise((resolve) => answered.push(resolve)));
    const [good, bad] = [
      { rating: "up", comment: "" },
      { rating: "down", comment: "" },
    ] as const;
    const said = [session.giveFeedback("m-1", good), session.giveFeedback("m-1", bad)];
    expect(lastAnswer(now().turns)?.feedback).toEqual(bad);
    await eventually(() => answered.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(server.requestsTo(route)).toHaveLength(1);
    answered[0]?.(refusal(503, "store_unavailable"));
    await eventually(() => answered.length === 2);
    expect(lastAnswer(now().turns)?.feedback).toEqual(bad);
    expect(server.requestsTo(route)[1]?.body).toEqual(bad);
    answered[1]?.(new Response(null, { status: 204 }));
    expect(await Promise.all(said)).toEqual([false, true]);
    expect(lastAnswer(now().turns)?.feedback).toEqual(bad);
  });
});
