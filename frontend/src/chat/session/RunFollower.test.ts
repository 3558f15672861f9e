import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "../../protocol/client.ts";
import type { Frame } from "../../protocol/decode.ts";
import type { Connection } from "../state/chatState.ts";
import { RunFollower, type FollowResult } from "./RunFollower.ts";
import { DONE, FakeSignals, OpenStream } from "./testing.ts";

/** A follower whose connections the test opens one by one. */
class Bench {
  readonly signals = new FakeSignals();
  readonly positions: number[] = [];
  readonly streams: OpenStream[] = [];
  readonly frames: Frame[] = [];
  readonly connections: Connection[] = [];
  starts = 0;
  next: () => Promise<Response>;
  readonly follower: RunFollower;
  readonly ending: Promise<FollowResult>;

  constructor(startsRun = true, first?: () => Promise<Response>) {
    this.next = first ?? (() => this.#open());
    this.follower = new RunFollower({
      start: startsRun
        ? () => {
            this.starts += 1;
            return this.next();
          }
        : null,
      follow: (position, signal) => {
        this.positions.push(position);
        return this.next().then((response) => breakOn(signal, this.streams.at(-1), response));
      },
      onFrame: (frame) => this.frames.push(frame),
      onConnection: (connection) => this.connections.push(connection),
      signals: this.signals,
      random: () => 0,
      times: { silenceMs: 40_000, hiddenMs: 10_000, startAttempts: 3 },
    });
    this.ending = this.follower.run();
  }

  get stream(): OpenStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error("no connection was opened");
    return stream;
  }

  get text(): string {
    return this.frames
      .map(({ event }) => (event?.type === "token" ? event.content : ""))
      .join("");
  }

  #open(): Promise<Response> {
    const stream = new OpenStream();
    this.streams.push(stream);
    return Promise.resolve(stream.response);
  }
}

/** As fetch does it: an aborted signal breaks the body. */
function breakOn(signal: AbortSignal, stream: OpenStream | undefined, response: Response): Response {
  signal.addEventListener("abort", () => {
    if (stream?.isCancelled === false) stream.break();
  });
  return response;
}

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("RunFollower", () => {
  it("follows to the terminal event over one connection", async () => {
    const bench = new Bench();
    await settle();
    bench.stream.event(1, "token", "a");
    bench.stream.event(2, "done", DONE);
    expect(await bench.ending).toBe("terminal");
    expect([bench.text, bench.starts, bench.positions]).toEqual(["a", 1, []]);
  });

  it("goes on from its position after a cut, and never repeats a word", async () => {
    const bench = new Bench();
    await settle();
    bench.stream.event(1, "token", "a");
    bench.stream.event(4, "token", "b");
    await settle();
    bench.stream.break();
    await settle(300);
    expect(bench.positions).toEqual([4]);
    bench.stream.event(4, "token", "b");
    bench.stream.event(5, "token", "c");
    bench.stream.event(6, "done", DONE);
    expect(await bench.ending).toBe("terminal");
    expect(bench.text).toBe("abc");
  });

  it("goes on after a clean end without a terminal event, as proxies make them", async () => {
    const bench = new Bench();
    await settle();
    bench.stream.event(1, "token", "a");
    await settle();
    bench.stream.end();
    await settle(300);
    bench.stream.event(2, "done", DONE);
    expect(await bench.ending).toBe("terminal");
  });

  it("asks again with the same start when the first answer was lost, then gives up", async () => {
    const bench = new Bench(true, () => Promise.reject(new TypeError("Failed to fetch")));
    await settle(60_000);
    expect(await bench.ending).toBe("refused");
    expect(bench.starts).toBe(3);
    expect(bench.follower.refusal).toBeInstanceOf(TypeError);
  });

  it("does not insist when the server refuses", async () => {
    const bench = new Bench(true, () => Promise.reject(new ApiError(422, "invalid", "no", {})));
    await settle();
    expect([await bench.ending, bench.starts]).toEqual(["refused", 1]);
  });

  it("has no limit of attempts while the run lives, and ends when it is gone", async () => {
    const bench = new Bench(false);
    await settle();
    bench.stream.event(1, "token", "a");
    await settle();
    bench.next = () => Promise.reject(new ApiError(503, "draining", "", {}));
    bench.stream.break();
    await settle(200_000);
    expect(bench.positions.length).toBeGreaterThan(15);
    bench.next = () => Promise.reject(new ApiError(404, "not_found", "", {}));
    await settle(11_000);
    expect(await bench.ending).toBe("gone");
  });

  it("takes 204 for the end", async () => {
    const bench = new Bench(false, () => Promise.resolve(new Response(null, { status: 204 })));
    expect(await bench.ending).toBe("gone");
  });

  it("takes a reset although its position lies behind", async () => {
    const bench = new Bench();
    await settle();
    bench.stream.event(9, "token", "a");
    bench.stream.event(5, "reset", { stage: "run", status: "reset", text: "", citations: [] });
    bench.stream.event(6, "token", "b");
    bench.stream.event(7, "done", DONE);
    expect(await bench.ending).toBe("terminal");
    expect(bench.frames.map(({ id }) => id)).toEqual([9, 5, 6, 7]);
  });

  it("reconnects after 40 s of silence; heartbeats are no silence", async () => {
    const bench = new Bench(false);
    await settle();
    bench.stream.event(1, "token", "a");
    for (let beat = 0; beat < 4; beat += 1) {
      await settle(15_000);
      bench.stream.write(": ping\n\n");
    }
    await settle();
    expect(bench.positions).toEqual([0]);
    await settle(42_000);
    expect(bench.positions).toEqual([0, 1]);
  });

  it("says offline at once, waits, and reconnects at once when the network is back", async () => {
    const bench = new Bench(false);
    await settle();
    bench.stream.event(1, "token", "a");
    await settle();
    bench.signals.give("offline");
    expect(bench.connections.at(-1)).toBe("offline");
    bench.stream.break();
    await settle(120_000);
    expect(bench.positions).toEqual([0]);
    bench.signals.give("online");
    await settle();
    expect(bench.positions).toEqual([0, 1]);
  });

  it("gives its connection back while hidden and resumes when visible", async () => {
    const bench = new Bench(false);
    await settle();
    bench.stream.event(1, "token", "a");
    bench.signals.give("hidden");
    await settle(10_500);
    expect(bench.connections.at(-1)).toBe("released");
    await settle(120_000);
    expect(bench.positions).toEqual([0]);
    bench.signals.give("visible");
    await settle();
    expect(bench.positions).toEqual([0, 1]);
  });

  it("keeps a connection that a short glance elsewhere left alone", async () => {
    const bench = new Bench(false);
    await settle();
    bench.stream.event(1, "token", "a");
    bench.signals.give("hidden");
    await settle(5_000);
    bench.signals.give("visible");
    await settle(10_000);
    expect(bench.positions).toEqual([0]);
  });

  it("lets a question arrive before it leaves", async () => {
    const bench = new Bench();
    await settle();
    bench.follower.leave();
    await settle();
    expect(bench.stream.isCancelled).toBe(false);
    bench.stream.event(1, "token", "a");
    expect(await bench.ending).toBe("closed");
    expect(bench.frames).toEqual([]);
  });
});
