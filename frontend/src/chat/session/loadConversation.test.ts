import { afterEach, beforeEach, expect, it } from "vitest";

import { ChatSession } from "./ChatSession.ts";
import { eventually, FakeServer, sessionOptions, STARTED } from "./testing.ts";

const NEVER = { usage: null, timings: null, error: null, model: null, filters: null };

function stored(role: string, id: string, question: string, content = id): object {
  return {
    ...{ message_id: id, role, status: "complete", finish_reason: "stop", citations: [] },
    ...{ evidence: [], run_id: null, question_id: question, feedback: null, created_at: "" },
    ...{ ...NEVER, content },
  };
}

/** Question `n` and its answer, oldest first. */
const turn = (n: number): object[] => [
  stored("user", `q-${n}`, `q-${n}`),
  stored("assistant", `m-${n}`, `q-${n}`),
];
const page = (next: string | null, ...messages: object[]): Response =>
  Response.json({ items: messages.toReversed(), next });
const requests = (): string[] => server.requestsTo("GET /conversations/s-1/messages").map(({ query }) => query);
const questions = (): string[] => session.getSnapshot().turns.map(({ question }) => question);

let server: FakeServer;
let session: ChatSession;
let close: () => void;

beforeEach(() => {
  server = new FakeServer();
  server.on("GET /conversations/s-1", () =>
    Response.json({ session_id: "s-1", title: "t", filters: STARTED.filters, active_run_id: null }),
  );
  session = new ChatSession("s-1", false, sessionOptions(server));
});

afterEach(() => {
  close();
});

async function open(...pages: (() => Response)[]): Promise<void> {
  for (const one of pages) server.on("GET /conversations/s-1/messages", one);
  close = session.open();
  await eventually(() => session.getSnapshot().loading === "ready");
}

it("reads a long conversation from its end, and the rest when it is wanted", async () => {
  await open(
    () => page("c1", ...turn(3), ...turn(4)),
    () => page(null, ...turn(1), ...turn(2)),
  );
  expect(requests()).toEqual(["order=newest&limit=60"]);
  expect(questions()).toEqual(["q-3", "q-4"]);
  const [third] = session.getSnapshot().turns;
  await session.loadEarlier();
  expect(requests()[1]).toBe("order=newest&limit=60&cursor=c1");
  expect(questions()).toEqual(["q-1", "q-2", "q-3", "q-4"]);
  expect(session.getSnapshot().turns[2]).toBe(third);
  expect(session.getSnapshot().earlier).toBeNull();
  await session.loadEarlier();
  expect(requests()).toHaveLength(2);
});

it("never cuts a question from its answers", async () => {
  const [question = {}, first = {}] = turn(1);
  const second = stored("assistant", "m-1b", "q-1");
  await open(
    () => page("c1", second, ...turn(2)),
    () => page("c2", first),
    () => page(null, question),
  );
  expect(questions()).toEqual(["q-2"]);
  await session.loadEarlier();
  expect(questions()).toEqual(["q-1", "q-2"]);
  expect(session.getSnapshot().turns[0]?.answers.map(({ text }) => text)).toEqual(["m-1", "m-1b"]);
});

it("keeps what was read before when the end is loaded again", async () => {
  await open(
    () => page("c1", ...turn(2)),
    () => page(null, ...turn(1)),
    () => page("c1", ...turn(2), ...turn(3)),
  );
  await session.loadEarlier();
  await session.load();
  expect(questions()).toEqual(["q-1", "q-2", "q-3"]);
  expect(session.getSnapshot().earlier).toBeNull();
});

it("can be asked again for what could not be fetched", async () => {
  await open(
    () => page("c1", ...turn(2)),
    () => new Response(null, { status: 502 }),
    () => page(null, ...turn(1)),
  );
  await session.loadEarlier();
  expect(questions()).toEqual(["q-2"]);
  await session.loadEarlier();
  expect(questions()).toEqual(["q-1", "q-2"]);
});
