import { beforeEach, describe, expect, it, vi } from "vitest";

import { ChatSession } from "./ChatSession.ts";
import { lastAnswer, type ChatSnapshot } from "../state/chatState.ts";
import { DONE, eventually, FakeServer, type OpenStream, refusal, sessionOptions, STARTED } from "./testing.ts";

const RECEIPT = {
  stopped: true,
  already: false,
  upstream_closed: true,
  upstream_closed_ms: 14,
  tokens_kept: 1,
  message_id: "m-1",
};
const CONVERSATION = { session_id: "s-1", title: "t", filters: STARTED.filters };

const PASSAGE = { marker: 1, passage_id: "p", source_id: "s", title: "T", kind: "document", text: "…" };

let server: FakeServer;
let session: ChatSession;
let close: () => void;

beforeEach(() => {
  server = new FakeServer();
  session = new ChatSession("s-1", true, sessionOptions(server));
  close = session.open();
  return () => {
    close();
  };
});

const now = (): ChatSnapshot => session.getSnapshot();
const text = (): string => lastAnswer(now().turns)?.text ?? "";
const reaches = (phase: ChatSnapshot["phase"]) => eventually(() => now().phase === phase);

function answerWith(stream: OpenStream, words: string, finish = DONE): void {
  stream.event(1, "run_start", STARTED);
  stream.event(2, "token", words);
  stream.event(3, "done", finish);
}

function stored(role: "user" | "assistant", id: string, more: object = {}): object {
  return {
    message_id: id,
    role,
    content: role === "user" ? "Question?" : "Stored answer",
    status: "complete",
    finish_reason: role === "user" ? null : "stop",
    citations: [],
    evidence: [],
    usage: null,
    timings: null,
    error: null,
    run_id: role === "user" ? null : "run-1",
    question_id: "q-1",
    model: null,
    filters: null,
    created_at: "2026-11-20T10:00:00.000Z",
    ...more,
  };
}

describe("asking", () => {
  it("streams an answer with an id of its own choosing, to go on without us", async () => {
    const stream = server.stream("POST /chat");
    session.send("  Question?  ");
    expect(now().phase).toBe("streaming");
    answerWith(stream, "Answer");
    await reaches("complete");
    expect(text()).toBe("Answer");
    const [request] = server.requestsTo("POST /chat");
    expect(request?.body).toEqual({
      message: "Question?",
      session_id: "s-1",
      filters: STARTED.filters,
      on_disconnect: "continue",
      run_id: "id-2",
    });
    expect(request?.headers.get("Idempotency-Key")).toBe("id-2");
  });

  it("keeps the next question until the answer ends", async () => {
    const first = server.stream("POST /chat");
    const second = server.stream("POST /chat");
    session.send("One?");
    session.send("Two?");
    expect(now().queued).toBe("Two?");
    answerWith(first, "1");
    await eventually(() => now().turns.length === 2);
    expect(now().queued).toBeNull();
    answerWith(second, "2");
    await reaches("complete");
    expect(now().turns.map(({ question }) => question)).toEqual(["One?", "Two?"]);
  });

  it("says why it was refused, and asks again on retry", async () => {
    server.on("POST /chat", () => refusal(429, "too_many_runs"));
    session.send("Question?");
    await reaches("error");
    expect(lastAnswer(now().turns)?.failure).toMatchObject({ code: "too_many_runs" });
    const stream = server.stream("POST /chat");
    server.requestsTo("POST /chat");
    session.retry();
    answerWith(stream, "Answer");
    await eventually(() => server.requestsTo("POST /chat").length === 2);
  });

  it("gives the question back when another tab was quicker, and shows that tab's answer", async () => {
    server.on("POST /chat", () => refusal(409, "run_in_progress", { run_id: "run-9" }));
    server.on("GET /conversations/s-1", () =>
      Response.json({ ...CONVERSATION, active_run_id: "run-9" }),
    );
    server.on("GET /conversations/s-1/messages", () =>
      Response.json({ items: [stored("user", "q-1")], next: null }),
    );
    const running = server.stream("GET /runs/run-9/events");
    session.send("Mine?");
    await eventually(() => server.requestsTo("GET /runs/run-9/events").length === 1);
    expect(now()).toMatchObject({ returnedQuestion: "Mine?", phase: "streaming" });
    answerWith(running, "Theirs");
    await reaches("complete");
    expect(text()).toBe("Theirs");
  });
});

describe("stopping", () => {
  it("keeps the text, shows the receipt and fetches what came before the stop", async () => {
    const stream = server.stream("POST /chat");
    server.on("POST /runs/id-2/stop", () => Response.json(RECEIPT));
    const rest = server.stream("GET /runs/id-2/events");
    session.send("Question?");
    stream.event(1, "run_start", STARTED);
    stream.event(2, "token", "Part");
    await eventually(() => text() === "Part");
    const stopping = session.stop();
    expect(now().phase).toBe("stopped");
    await stopping;
    expect(now().stop?.outcome).toEqual(RECEIPT);
    rest.event(3, "token", " one");
    rest.event(4, "done", { ...DONE, finish_reason: "stopped" });
    await eventually(() => lastAnswer(now().turns)?.finishReason === "stopped");
    expect(text()).toBe("Part one");
    expect(server.requestsTo("GET /runs/id-2/events")[0]?.headers.get("Last-Event-ID")).toBe("2");
  });

  it("gives the question back when nothing was written yet", async () => {
    server.stream("POST /chat");
    server.on("POST /runs/id-2/stop", () => Response.json(RECEIPT));
    session.send("Question?");
    await session.stop();
    expect(now()).toMatchObject({ turns: [], returnedQuestion: "Question?", phase: "idle" });
  });

  it("goes on showing the answer when the stop cannot be confirmed", async () => {
    const stream = server.stream("POST /chat");
    server.on("POST /runs/id-2/stop", () => refusal(500, "internal"));
    const rest = server.stream("GET /runs/id-2/events");
    session.send("Question?");
    stream.event(1, "token", "Part");
    await eventually(() => text() === "Part");
    await session.stop();
    expect(now()).toMatchObject({ phase: "streaming", stop: { outcome: "unconfirmed" } });
    rest.event(2, "done", DONE);
    await reaches("complete");
  });

  it("lets the next question go out while the last words are still fetched", async () => {
    const first = server.stream("POST /chat");
    server.on("POST /runs/id-2/stop", () => Response.json(RECEIPT));
    server.stream("GET /runs/id-2/events");
    session.send("One?");
    first.event(1, "token", "Part");
    await eventually(() => text() === "Part");
    await session.stop();
    const second = server.stream("POST /chat");
    server.on("POST /chat", () => second.response);
    session.send("Two?");
    expect(now().queued).toBeNull();
    expect(server.requestsTo("POST /chat").length).toBe(2);
  });
});

describe("coming back", () => {
  beforeEach(() => {
    close();
    session = new ChatSession("s-1", false, sessionOptions(server));
  });

  it("loads what is stored, grouped by question", async () => {
    const items = [
      stored("user", "q-1"),
      stored("assistant", "m-1", { content: "First" }),
      stored("assistant", "m-2", { content: "Second" }),
    ];
    server.on("GET /conversations/s-1", () =>
      Response.json({ ...CONVERSATION, active_run_id: null }),
    );
    server.on("GET /conversations/s-1/messages", () => Response.json({ items: items.toReversed(), next: null }));
    close = session.open();
    await eventually(() => now().loading === "ready");
    expect(now().turns).toHaveLength(1);
    expect(now().turns[0]?.answers.map((answer) => answer.text)).toEqual(["First", "Second"]);
    expect(text()).toBe("Second");
    session.choices.show("q-1", 0);
    expect(text()).toBe("First");
  });

  it("follows a running answer from its start, replacing the partial text", async () => {
    server.on("GET /conversations/s-1", () =>
      Response.json({ ...CONVERSATION, active_run_id: "run-1" }),
    );
    const items = [
      stored("user", "q-1"),
      stored("assistant", "m-1", { status: "streaming", content: "Par", finish_reason: null }),
    ];
    server.on("GET /conversations/s-1/messages", () => Response.json({ items: items.toReversed(), next: null }));
    const running = server.stream("GET /runs/run-1/events");
    close = session.open();
    await reaches("streaming");
    answerWith(running, "Partial no more");
    await reaches("complete");
    expect(text()).toBe("Partial no more");
    expect(server.requestsTo("GET /runs/run-1/events")[0]?.headers.has("Last-Event-ID")).toBe(false);
  });

  it.each([
    [404, "missing"],
    [500, "failed"],
  ])("says so when the answer to loading is %i", async (status, loading) => {
    server.on("GET /conversations/s-1", () => refusal(status, "x"));
    close = session.open();
    await eventually(() => now().loading === loading);
  });
});

describe("choosing a model", () => {
  const bodies = (route: string) => server.requestsTo(route).map(({ body }) => body);

  it("asks with the chosen one, and the server keeps it once the conversation exists", async () => {
    session.choices.setModel("two");
    const first = server.stream("POST /chat");
    session.send("Question?");
    answerWith(first, "First");
    await reaches("complete");
    expect(bodies("POST /chat")).toMatchObject([{ model: "two" }]);
    expect(bodies("PATCH /conversations/s-1")).toEqual([]);
    session.choices.setModel("org/three:7b");
    expect(bodies("PATCH /conversations/s-1")).toEqual([{ model: "org/three:7b" }]);
  });

  it("names none before one is chosen", async () => {
    const first = server.stream("POST /chat");
    session.send("Question?");
    answerWith(first, "First");
    await reaches("complete");
    expect(bodies("POST /chat")[0]).not.toHaveProperty("model");
  });

  it("begins with the one chosen last in this browser, until that is forgotten", () => {
    const set = vi.fn();
    const options = { ...sessionOptions(server), preferredModel: { get: () => "old", set } };
    const made = new ChatSession("s-2", true, options);
    expect(made.getSnapshot().model).toBe("old");
    made.choices.forgetModel();
    expect(made.getSnapshot().model).toBeNull();
    expect(set).toHaveBeenCalledWith(null);
  });

  it("has another model answer from the same passages, and shows both", async () => {
    const first = server.stream("POST /chat");
    session.send("Question?");
    first.event(1, "run_start", STARTED);
    first.event(2, "generation_start", { stage: "generation", status: "started", passages: [PASSAGE] });
    first.event(3, "token", "First");
    first.event(4, "done", DONE);
    first.end();
    await reaches("complete");
    const again = server.stream("POST /conversations/s-1/messages/m-1/regenerate");
    session.answerWith("two");
    answerWith(again, "Second");
    await eventually(() => text() === "Second" && now().phase === "complete");
    expect(bodies("POST /conversations/s-1/messages/m-1/regenerate")).toMatchObject([
      { model: "two", keep_passages: true },
    ]);
    const turn = () => now().turns[0];
    expect(turn()?.beside).toBe(turn()?.answers[0]?.key);
    expect(now().model).toBeNull(); // comparing is not choosing
    session.choices.show(turn()?.key ?? "", 0);
    expect(turn()?.beside).toBe(turn()?.answers[1]?.key);
    session.choices.compare(turn()?.key ?? "");
    expect(turn()?.beside).toBeNull();
  });

  it("after a failure goes on with the model that is chosen instead", async () => {
    server.on("POST /chat", () => refusal(422, "model_not_offered"));
    session.send("Question?");
    await reaches("error");
    const second = server.stream("POST /chat");
    server.replace("POST /chat", () => second.response);
    session.answerWith("two");
    answerWith(second, "Second");
    await reaches("complete");
    expect(bodies("POST /chat")).toMatchObject([{}, { model: "two" }]);
    expect(now().model).toBe("two");
    expect(now().turns).toHaveLength(1);
  });
});

describe("answering again", () => {
  it.each([
    ["regenerate", () => { session.regenerate(); }],
    ["continue", () => { session.continueAnswer(); }],
  ])("%s puts another answer beside the first", async (route, act) => {
    const first = server.stream("POST /chat");
    session.send("Question?");
    answerWith(first, "First");
    await reaches("complete");
    const again = server.stream(`POST /conversations/s-1/messages/m-1/${route}`);
    act();
    answerWith(again, "Second");
    await eventually(() => text() === "Second" && now().phase === "complete");
    expect(now().turns[0]).toMatchObject({ shown: 1, answers: [{ text: "First" }, {}] });
  });
});
