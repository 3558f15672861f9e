import { ApiError } from "../../protocol/client.ts";
import { isTerminal, type Frame } from "../../protocol/decode.ts";
import { readFrames } from "../../protocol/sse.ts";
import { backoffMs } from "./backoff.ts";
import type { Connection } from "../state/chatState.ts";
import type { BrowserSignals, Signal } from "./browserSignals.ts";

/**
 * Why following ended: the terminal event came, the run is no more, it (or we) was refused, or we
 * left. Being signed out is a refusal at any time: the run goes on and can be followed after a new sign-in.
 */
export type FollowResult = "terminal" | "gone" | "refused" | "closed";

export interface FollowerTimes {
  /** Longest silence before the connection counts as dead; heartbeats come every 15 s. */
  readonly silenceMs: number;
  /** How long a hidden tab keeps its connection: browsers allow six per server over HTTP/1.1. */
  readonly hiddenMs: number;
  /** Tries to start a run before giving up; following a run that lives has no limit. */
  readonly startAttempts: number;
}

export const FOLLOWER_TIMES: FollowerTimes = { silenceMs: 40_000, hiddenMs: 2_000, startAttempts: 4 };

export interface FollowerOptions {
  /** Starts the run, or null when it already exists. Asked again when the answer was lost. */
  readonly start: ((signal: AbortSignal) => Promise<Response>) | null;
  readonly follow: (position: number, signal: AbortSignal) => Promise<Response>;
  readonly position?: number;
  readonly onFrame: (frame: Frame) => void;
  readonly onConnection: (connection: Connection) => void;
  readonly signals: BrowserSignals;
  readonly random: () => number;
  readonly times: FollowerTimes;
}

type Attempt = "terminal" | "gone" | "lost";

/** Reads one run to its end over as many connections as it takes, never the same event twice. */
export class RunFollower {
  readonly #options: FollowerOptions;
  #position: number;
  #started: boolean;
  #closed = false;
  #leaving = false;
  #attempts = 0;
  #lastBytes = 0;
  #abort: AbortController | null = null;
  #wake: (() => void) | null = null;
  #hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  /** What refused the run, after `run` ended with "refused". */
  refusal: unknown = null;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#position = options.position ?? 0;
    this.#started = options.start === null;
  }

  get position(): number {
    return this.#position;
  }

  /** Ends following; the run itself is not touched. */
  close(): void {
    this.#closed = true;
    this.#cut();
  }

  /** As `close`, but lets a question that is still on its way arrive first. */
  leave(): void {
    if (this.#started) this.close();
    else this.#leaving = true;
  }

  isClosed(): boolean {
    return this.#closed;
  }

  async run(): Promise<FollowResult> {
    const unsubscribe = this.#options.signals.subscribe((signal) => {
      this.#onSignal(signal);
    });
    try {
      while (!this.#closed) {
        const outcome = await this.#connect();
        if (outcome === "terminal" || outcome === "gone") return outcome;
        if (!this.#started && this.#attempts >= this.#options.times.startAttempts) return "refused";
        if (!this.isClosed()) await this.#pause();
      }
      return "closed";
    } catch (error) {
      if (this.#closed) return "closed";
      this.refusal = error;
      const isSignedOut = error instanceof ApiError && error.isSignIn;
      return this.#started && !isSignedOut ? "gone" : "refused";
    } finally {
      clearTimeout(this.#hiddenTimer);
      unsubscribe();
    }
  }

  async #connect(): Promise<Attempt> {
    const { start, follow, onConnection, signals } = this.#options;
    const abort = new AbortController();
    this.#abort = abort;
    this.#attempts += 1;
    if (signals.online()) onConnection(this.#attempts === 1 ? "connecting" : "reconnecting");
    const watch = this.#watchSilence(abort);
    try {
      const response =
        this.#started || start === null
          ? await follow(this.#position, abort.signal)
          : await start(abort.signal);
      if (response.status === 204) return "gone";
      if (response.body === null) return "lost";
      onConnection("open");
      return await this.#read(response.body);
    } catch (error) {
      if (error instanceof ApiError && !isTransient(error, this.#started)) throw error;
      // Everything else is a connection that broke, in whichever words this browser says it.
      this.refusal = error;
      return "lost";
    } finally {
      clearInterval(watch);
      abort.abort();
      this.#abort = null;
    }
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<Attempt> {
    const heard = (): void => {
      this.#lastBytes = Date.now();
    };
    for await (const frame of readFrames(body, heard)) {
      this.#started = true;
      if (this.#leaving) this.#closed = true;
      if (this.#closed) return "lost";
      this.#attempts = 0;
      // A reset replaces everything, so its position counts even when it lies behind ours.
      if (frame.id <= this.#position && frame.event?.type !== "reset") continue;
      this.#position = frame.id;
      this.#options.onFrame(frame);
      if (frame.event !== null && isTerminal(frame.event)) return "terminal";
    }
    return "lost";
  }

  #watchSilence(abort: AbortController): ReturnType<typeof setInterval> {
    const { silenceMs } = this.#options.times;
    this.#lastBytes = Date.now();
    return setInterval(() => {
      if (Date.now() - this.#lastBytes >= silenceMs) abort.abort();
    }, Math.min(1_000, silenceMs / 4));
  }

  /** Waits for the backoff, or without limit while offline or hidden; signals end it early. */
  async #pause(): Promise<void> {
    const { signals, onConnection, random } = this.#options;
    const released = this.#started && signals.hidden();
    const waitsForSignal = released || !signals.online();
    if (waitsForSignal) this.#attempts = Math.min(this.#attempts, 1);
    onConnection(released ? "released" : signals.online() ? "reconnecting" : "offline");
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (!waitsForSignal) setTimeout(resolve, backoffMs(this.#attempts - 1, random));
    });
    this.#wake = null;
  }

  #onSignal(signal: Signal): void {
    clearTimeout(this.#hiddenTimer);
    if (signal === "hidden") {
      this.#hiddenTimer = setTimeout(() => {
        if (this.#started) this.#abort?.abort();
      }, this.#options.times.hiddenMs);
    } else if (signal === "offline") {
      this.#options.onConnection("offline");
    } else if (signal !== "visible" || this.#isQuiet()) {
      // Back online, out of the freezer, or visible after a missed heartbeat: do not trust the socket.
      this.#cut();
    } else {
      this.#wake?.();
    }
  }

  #isQuiet(): boolean {
    return Date.now() - this.#lastBytes > this.#options.times.silenceMs / 2;
  }

  #cut(): void {
    this.#abort?.abort();
    this.#wake?.();
  }
}

/** A refusal that a restarted or less busy server would not repeat. */
function isTransient({ status }: ApiError, started: boolean): boolean {
  return status === 502 || status === 503 || status === 504 || (started && status === 429);
}
