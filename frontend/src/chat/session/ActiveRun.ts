import type { Answer } from "../state/answerReducer.ts";
import type { ChatStore } from "../state/ChatStore.ts";
import { frameLogger } from "./debug.ts";
import { FrameBuffer } from "./FrameBuffer.ts";
import { BufferingDetector } from "./BufferingDetector.ts";
import { RunFollower, type FollowResult } from "./RunFollower.ts";
import type { ChatSessionOptions } from "./sessionOptions.ts";

export type Start = (signal: AbortSignal) => Promise<Response>;

export interface FollowedRun extends Pick<Answer, "key"> {
  readonly runId: string;
  readonly follower: RunFollower;
}

/** The one run that a conversation follows at a time, folded into its answer. */
export class ActiveRun {
  readonly #options: ChatSessionOptions;
  readonly #store: ChatStore;
  readonly #sessionId: string;
  readonly #onFollowed: (live: FollowedRun, ending: FollowResult) => void;
  readonly #frames: FrameBuffer;
  #live: FollowedRun | null = null;

  constructor(
    options: ChatSessionOptions,
    store: ChatStore,
    sessionId: string,
    onFollowed: (live: FollowedRun, ending: FollowResult) => void,
  ) {
    this.#options = options;
    this.#store = store;
    this.#sessionId = sessionId;
    this.#onFollowed = onFollowed;
    this.#frames = new FrameBuffer(options.schedule, (key, update) => {
      store.change(key, update);
    });
  }

  get now(): FollowedRun | null {
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
    let buffering = start === null ? null : new BufferingDetector(Date.now);
    const follower = new RunFollower({
      start,
      follow: (after, signal) => client.follow(runId, after, signal),
      position,
      onFrame: (frame) => {
        log?.(frame);
        if (signals.hidden()) buffering = null; // browsers deliver to background tabs in bursts
        if (buffering?.observe(frame) === true) this.#store.set({ isBuffered: true });
        this.#frames.add(key, frame);
        if (frame.event?.type === "run_start") this.#onBegun(start !== null);
      },
      onConnection: (connection) => {
        if (connection === "reconnecting") buffering = null; // a replay arrives in one burst
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
      this.#onFollowed(live, ending);
    });
  }

  #onBegun(isOurs: boolean): void {
    this.#options.onActivity();
    if (isOurs) this.#options.tabs.announce(this.#sessionId);
  }
}
