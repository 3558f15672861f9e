import type { Answer } from "../state/answerReducer.ts";
import type { ChatStore } from "../state/ChatStore.ts";
import { frameLogger } from "./debug.ts";
import { FrameBuffer } from "./FrameBuffer.ts";
import { HeldBack } from "./HeldBack.ts";
import { RunFollower, type Ending } from "./RunFollower.ts";
import type { ChatSessionOptions } from "./sessionOptions.ts";

export type Start = (signal: AbortSignal) => Promise<Response>;

export interface Live extends Pick<Answer, "key"> {
  readonly runId: string;
  readonly follower: RunFollower;
}

/** The one run that a conversation follows at a time, folded into its answer. */
export class LiveRun {
  readonly #options: ChatSessionOptions;
  readonly #store: ChatStore;
  readonly #sessionId: string;
  readonly #onEnding: (live: Live, ending: Ending) => void;
  readonly #frames: FrameBuffer;
  #live: Live | null = null;

  constructor(
    options: ChatSessionOptions,
    store: ChatStore,
    sessionId: string,
    onEnding: (live: Live, ending: Ending) => void,
  ) {
    this.#options = options;
    this.#store = store;
    this.#sessionId = sessionId;
    this.#onEnding = onEnding;
    this.#frames = new FrameBuffer(options.schedule, (key, fold) => {
      store.change(key, fold);
    });
  }

  get now(): Live | null {
    return this.#live;
  }

  /** Cuts the connection; what was received is on screen. */
  close(): void {
    this.#live?.follower.close();
    this.#live = null;
    this.#frames.flush();
  }

  /** As `close`, but lets a question that is still on its way arrive first. */
  leave(): void {
    this.#live?.follower.leave();
    this.#live = null;
  }

  /** Follows the run of `answer` to its end; `start` makes it, null when it exists. */
  follow({ key, runId, position }: Answer, start: Start | null): void {
    const { client, signals, random, times } = this.#options;
    if (runId === null) return;
    const log = frameLogger();
    let held = start === null ? null : new HeldBack(Date.now);
    const follower = new RunFollower({
      start,
      follow: (after, signal) => client.follow(runId, after, signal),
      position,
      onFrame: (frame) => {
        log?.(frame);
        if (signals.hidden()) held = null; // a tab in the background is read in lumps
        if (held?.take(frame) === true) this.#store.set({ isHeldBack: true });
        this.#frames.add(key, frame);
        if (frame.event?.type === "run_start") this.#onBegun(start !== null);
      },
      onConnection: (connection) => {
        if (connection === "reconnecting") held = null; // what was missed comes in one go
        if (this.#live?.follower === follower) this.#store.set({ connection });
      },
      signals,
      random,
      times,
    });
    this.#live?.follower.close(); // at most the rest of a stopped answer
    const live = { key, runId, follower };
    this.#live = live;
    void follower.run().then((ending) => {
      if (this.#live !== live) return;
      this.#frames.flush();
      this.#live = null;
      this.#store.set({ connection: null });
      this.#onEnding(live, ending);
    });
  }

  #onBegun(isOurs: boolean): void {
    this.#options.onActivity();
    if (isOurs) this.#options.peers.announce(this.#sessionId);
  }
}
