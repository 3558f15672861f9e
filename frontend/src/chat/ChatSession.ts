import { ApiError } from "../protocol/client.ts";
import type { RunOptions } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { newAnswer, type Answer } from "./answerReducer.ts";
import { findAnswer, lastAnswer, newSnapshot, type ChatSnapshot } from "./chatState.ts";
import { ChatStore } from "./ChatStore.ts";
import { frameLogger } from "./debug.ts";
import { FrameBuffer } from "./FrameBuffer.ts";
import { loadConversation } from "./loadConversation.ts";
import { RunFollower, type Ending } from "./RunFollower.ts";
import type { ChatSessionOptions } from "./sessionOptions.ts";
import { withAnswer } from "./turns.ts";

type Start = (signal: AbortSignal) => Promise<Response>;
interface Live extends Pick<Answer, "key"> {
  readonly runId: string;
  readonly follower: RunFollower;
}

/** One conversation as this tab sees it: asks, follows, stops, resumes. Knows nothing of React. */
export class ChatSession {
  readonly #options: ChatSessionOptions;
  readonly #store: ChatStore;
  readonly #frames: FrameBuffer;
  readonly #sessionId: string;
  #live: Live | null = null;
  #isOpen = false;

  constructor(sessionId: string, isNew: boolean, options: ChatSessionOptions) {
    this.#sessionId = sessionId;
    this.#options = options;
    const store = new ChatStore(newSnapshot(sessionId, isNew ? "ready" : "loading"));
    this.#store = store;
    this.#frames = new FrameBuffer(options.schedule, (key, fold) => {
      store.change(key, fold);
    });
    this.getSnapshot = store.get;
    this.subscribe = store.subscribe;
  }

  readonly getSnapshot: () => ChatSnapshot;
  readonly subscribe: (listener: () => void) => () => void;

  /** Loads what is stored and follows what runs; returns how to let go of the connection again. */
  open(): () => void {
    this.#isOpen = true;
    if (this.getSnapshot().loading === "ready") this.#resume();
    else void this.load();
    const leave = this.#options.peers.subscribe((sessionId) => {
      if (sessionId === this.#sessionId && this.#live === null) void this.load();
    });
    return () => {
      leave();
      this.#isOpen = false;
      this.#live?.follower.leave();
      this.#live = null;
    };
  }

  async load(): Promise<void> {
    const loaded = await loadConversation(this.#options.client, this.#sessionId);
    if (this.#live !== null || !this.#isOpen) return; // a newer question knows better
    if (typeof loaded === "string") this.#onUnloadable(loaded);
    else this.#store.setTurns(loaded.turns, { filters: loaded.filters, loading: "ready" });
    this.#resume();
  }

  /** Asks; while an answer runs, keeps the question for later. */
  send(question: string): void {
    const message = question.trim();
    if (message === "") return;
    if (this.#isBusy()) {
      this.setQueued(message);
      return;
    }
    const { client, newId } = this.#options;
    const { filters, turns } = this.getSnapshot();
    const answer = newAnswer(newId(), newId());
    const turn = withAnswer({ key: newId(), question: message, answers: [], shown: 0 }, answer);
    this.#store.setTurns([...turns, turn], { returned: null, stop: null });
    const asked = { message, session_id: this.#sessionId, filters, ...runOptions(answer) };
    this.#follow(answer, (signal) => client.ask(asked, signal));
  }

  /** Cuts the stream and has the model stopped; what was received stays. */
  async stop(): Promise<void> {
    const live = this.#live;
    if (live === null || !this.#isBusy()) return;
    live.follower.close();
    this.#live = null;
    this.#frames.flush();
    const found = findAnswer(this.getSnapshot().turns, ({ key }) => key === live.key);
    const unanswered = found?.answer.text === "" && found.turn.answers.length === 1;
    if (unanswered) this.#store.takeBack(live.key);
    else this.#store.change(live.key, (answer) => ({ ...answer, phase: "stopped" }));
    const outcome = await this.#options.client.stop(live.runId).catch(() => "unconfirmed" as const);
    this.#store.set({ stop: { key: live.key, outcome }, connection: null });
    this.#options.onActivity();
    if (!unanswered) this.#settle(live, outcome === "unconfirmed");
  }

  /** Another answer to the last question, beside the ones it has. */
  regenerate(): void {
    this.#answerAgain("regenerate");
  }

  /** Goes on with a stopped or broken answer. */
  continueAnswer(): void {
    this.#answerAgain("continue");
  }

  /** After an error: again from the question, on whichever side of the stream it happened. */
  retry(): void {
    const { turns } = this.getSnapshot();
    const turn = turns.at(-1);
    if (turn === undefined || this.#isBusy()) return;
    if (lastAnswer(turns)?.messageId !== null) {
      this.regenerate();
      return;
    }
    this.#store.setTurns(turns.slice(0, -1));
    this.send(turn.question);
  }

  /** Turns to another of a question's answers. */
  show(turnKey: string, shown: number): void {
    const { turns } = this.getSnapshot();
    this.#store.setTurns(turns.map((turn) => (turn.key === turnKey ? { ...turn, shown } : turn)));
  }

  setQueued(queued: string | null): void {
    this.#store.set({ queued });
  }

  setFilters(filters: Filters): void {
    this.#store.set({ filters });
    if (this.getSnapshot().turns.length === 0) return; // the first question takes them along
    // Also sent with every question, so a failure here costs only their memory.
    const { client } = this.#options;
    client.changeConversation(this.#sessionId, { filters }).catch(() => undefined);
  }

  #answerAgain(how: "regenerate" | "continue"): void {
    const { client, newId } = this.#options;
    const { turns } = this.getSnapshot();
    const messageId = lastAnswer(turns)?.messageId ?? null;
    if (this.#isBusy() || messageId === null) return;
    const answer = newAnswer(newId(), newId());
    const last = turns.length - 1;
    this.#store.setTurns(
      turns.map((turn, index) => (index === last ? withAnswer(turn, answer) : turn)),
      { stop: null },
    );
    const options = runOptions(answer);
    this.#follow(answer, (signal) =>
      client.answerAgain(how, this.#sessionId, messageId, options, signal),
    );
  }

  /** Follows the run that the loaded messages left streaming. */
  #resume(): void {
    const { turns } = this.getSnapshot();
    const running = findAnswer(turns, ({ phase }) => phase === "streaming")?.answer;
    if (this.#live !== null || running === undefined) return;
    const answer = newAnswer(running.key, running.runId);
    this.#store.change(running.key, () => answer);
    this.#follow(answer, null);
  }

  /** Fetches the end of a stopped answer: stored text can be some tokens ahead, verdicts follow. */
  #settle({ key }: Live, goesOn: boolean): void {
    const answer = findAnswer(this.getSnapshot().turns, (other) => other.key === key)?.answer;
    if (this.#live !== null || !this.#isOpen || answer === undefined) return;
    if (goesOn) this.#store.change(key, (stopped) => ({ ...stopped, phase: "streaming" }));
    this.#follow(answer, null);
  }

  #follow({ key, runId, position }: Answer, start: Start | null): void {
    const { client, onActivity, peers, signals, random, times } = this.#options;
    if (runId === null) return;
    const log = frameLogger();
    const follower = new RunFollower({
      start,
      follow: (after, signal) => client.follow(runId, after, signal),
      position,
      onFrame: (frame) => {
        log?.(frame);
        this.#frames.add(key, frame);
        if (frame.event?.type !== "run_start") return;
        onActivity();
        if (start !== null) peers.announce(this.#sessionId);
      },
      onConnection: (connection) => {
        if (this.#live?.follower === follower) this.#store.set({ connection });
      },
      signals,
      random,
      times,
    });
    this.#live?.follower.close(); // at most the rest of a stopped answer
    this.#live = { key, runId, follower };
    void follower.run().then((ending) => {
      if (this.#live?.follower === follower) this.#onEnding(this.#live, ending);
    });
  }

  #onEnding({ key, follower }: Live, ending: Ending): void {
    this.#frames.flush();
    this.#live = null;
    this.#store.set({ connection: null });
    this.#options.onActivity();
    if (ending === "gone") void this.load();
    else if (ending === "refused") this.#onRefusal(key, follower.refusal);
    else if (this.getSnapshot().phase === "complete") this.#sendQueued();
  }

  #onRefusal(key: string, refusal: unknown): void {
    if (!(refusal instanceof ApiError) || refusal.code !== "run_in_progress") {
      this.#store.fail(key, refusal);
      return;
    }
    // Another tab was quicker: show its answer, keep this question.
    this.#store.takeBack(key);
    void this.load();
  }

  #onUnloadable(loading: "missing" | "failed"): void {
    const { turns } = this.getSnapshot();
    const cut = findAnswer(turns, ({ phase }) => phase === "streaming")?.answer;
    if (turns.length === 0) this.#store.set({ loading });
    else if (cut !== undefined) this.#store.fail(cut.key, null);
  }

  #sendQueued(): void {
    const { queued } = this.getSnapshot();
    if (queued === null) return;
    this.setQueued(null);
    this.send(queued);
  }

  /** A stopped answer whose last words are still being fetched does not count. */
  #isBusy(): boolean {
    return this.#live !== null && this.getSnapshot().phase === "streaming";
  }
}

function runOptions({ runId }: Answer): RunOptions {
  return { on_disconnect: "continue", run_id: runId ?? "" };
}
