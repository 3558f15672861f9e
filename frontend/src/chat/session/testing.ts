import { vi } from "vitest";

import { Client } from "../../protocol/client.ts";
import type { BrowserSignals, Signal } from "./browserSignals.ts";
import type { ChatSessionOptions } from "./sessionOptions.ts";

/** Waits until it holds, for as long as a test may take. */
export const eventually = (holds: () => boolean): Promise<boolean> =>
  vi.waitUntil(holds, { timeout: 15_000 });

/** A server response whose body the test writes, breaks or ends. */
export class OpenStream {
  readonly response: Response;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  isCancelled = false;

  constructor() {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.isCancelled = true;
      },
    });
    this.response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  write(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }

  event(id: number, type: string, content: unknown): void {
    this.write(frame(id, type, content));
  }

  end(): void {
    this.#controller.close();
  }

  break(): void {
    this.#controller.error(new TypeError("network error"));
  }
}

export function frame(id: number, type: string, content: unknown): string {
  const data = JSON.stringify({ type, content, timestamp: "2026-11-20T10:30:40.000Z" });
  return `id: ${id}\ndata: ${data}\n\n`;
}

export const DONE = {
  finish_reason: "stop",
  message_id: "m-1",
  saved: true,
  usage: { input_tokens: 1, output_tokens: 2, estimated: true },
  timings: { retrieval_ms: 1, first_token_ms: 2, total_ms: 3 },
};

export const STARTED = {
  stage: "run",
  status: "started",
  run_id: "id-2",
  session_id: "s-1",
  message_id: "m-1",
  model: "extractive",
  filters: { source_ids: [], kinds: [], tags: [] },
};

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body: unknown;
}

type Answerer = (request: Request) => Response | Promise<Response>;

/** A server of our own protocol: routes by "METHOD /path" without the query, every request remembered. */
export class FakeServer {
  readonly requests: Request[] = [];
  readonly client: Client;
  readonly #routes = new Map<string, Answerer[]>();

  constructor() {
    this.client = new Client((input, init) => this.#fetch(input, init));
  }

  /** The next request of this route gets this answer; the last answer given serves all others. */
  on(route: string, answerer: Answerer): this {
    this.#routes.set(route, [...(this.#routes.get(route) ?? []), answerer]);
    return this;
  }

  /** From now on this route gets this answer. */
  replace(route: string, answerer: Answerer): void {
    this.#routes.set(route, [answerer]);
  }

  stream(route: string): OpenStream {
    const stream = new OpenStream();
    this.on(route, () => stream.response);
    return stream;
  }

  requestsTo(route: string): Request[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}` === route);
  }

  async #fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const path = typeof input === "string" ? input : input instanceof URL ? input.pathname : input.url;
    const body: unknown = typeof init?.body === "string" ? JSON.parse(init.body) : null;
    const [route = path, query = ""] = path.split("?");
    const headers = new Headers(init?.headers);
    const request = { method: init?.method ?? "GET", path: route, query, headers, body };
    this.requests.push(request);
    const answerers = this.#routes.get(`${request.method} ${route}`) ?? [];
    const answerer = answerers.length > 1 ? answerers.shift() : answerers[0];
    if (answerer === undefined) return refusal(404, "not_found");
    const aborted = new Promise<never>((_, reject) => {
      init?.signal?.addEventListener("abort", () => {
        reject(new DOMException("aborted", "AbortError"));
      });
    });
    return Promise.race([answerer(request), aborted]);
  }
}

export function refusal(status: number, code: string, details: object = {}): Response {
  return Response.json({ error: { code, message: `refused: ${code}`, details } }, { status });
}

/** The browser's signals, given by the test. */
export class FakeSignals implements BrowserSignals {
  isOnline = true;
  isHidden = false;
  readonly #listeners = new Set<(signal: Signal) => void>();

  online(): boolean {
    return this.isOnline;
  }

  hidden(): boolean {
    return this.isHidden;
  }

  subscribe(listener: (signal: Signal) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  give(signal: Signal): void {
    if (signal === "online" || signal === "offline") this.isOnline = signal === "online";
    if (signal === "visible" || signal === "hidden") this.isHidden = signal === "hidden";
    for (const listener of this.#listeners) listener(signal);
  }
}

export function sessionOptions(server: FakeServer, signals = new FakeSignals()): ChatSessionOptions {
  let ids = 0;
  return {
    client: server.client,
    signals,
    tabs: { announce: () => undefined, subscribe: () => () => undefined },
    preferredModel: { get: () => null, set: () => undefined },
    signIn: { onDone: () => () => undefined },
    remotePollMs: 60_000,
    times: { silenceMs: 40_000, hiddenMs: 10_000, startAttempts: 3 },
    newId: () => `id-${++ids}`,
    random: () => 0,
    schedule: queueMicrotask,
    onActivity: () => undefined,
  };
}
