import { ApiError } from "../../protocol/client.ts";
import { newAnswer } from "../state/answerReducer.ts";
import { findAnswer, lastAnswer, newSnapshot, SIGNED_OUT, type ChatSnapshot, type LoadFailure } from "../state/chatState.ts";
import { ChatStore } from "../state/ChatStore.ts";
import { RemoteChangePoller } from "./RemoteChangePoller.ts";
import { ConversationChoices } from "./ConversationChoices.ts";
import { createFeedbackSender, type GiveFeedback } from "./feedback.ts";
import { ActiveRun, type FollowedRun } from "./ActiveRun.ts";
import { loadConversation } from "./loadConversation.ts";
import type { FollowResult } from "./RunFollower.ts";
import { byModel, runOptions, type AnotherAnswer, type ChatSessionOptions } from "./sessionOptions.ts";
import { loadEarlier, applyLoaded } from "./applyLoaded.ts";
import { withAnswer } from "../state/turns.ts";

/** One conversation as this tab sees it: asks, follows, stops, resumes. Knows nothing of React. */
export class ChatSession {
  readonly #options: ChatSessionOptions;
  readonly #store: ChatStore;
  readonly #run: ActiveRun;
  readonly #remoteChanges: RemoteChangePoller;
  readonly #sessionId: string;
  #isOpen = false;

  constructor(sessionId: string, isNew: boolean, options: ChatSessionOptions) {
    this.#sessionId = sessionId;
    this.#options = options;
    const model = isNew ? options.preferredModel.get() : null;
    const store = new ChatStore(newSnapshot(sessionId, isNew ? "ready" : "loading", model));
    this.#store = store;
    this.#run = new ActiveRun(options, store, sessionId, (live, ending) => {
      this.#onFollowed(live, ending);
    });
    this.getSnapshot = store.get;
    this.subscribe = store.subscribe;
    this.giveFeedback = createFeedbackSender(options.client, store);
    this.choices = new ConversationChoices(options, store, sessionId);
    this.#remoteChanges = new RemoteChangePoller({
      client: options.client,
      sessionId,
      signals: options.signals,
      intervalMs: options.remotePollMs,
      isIdle: () => this.#run.now === null && store.get().turns.length > 0,
      onChange: () => void this.load(),
    });
  }

  readonly getSnapshot: () => ChatSnapshot;
  readonly subscribe: (listener: () => void) => () => void;
  readonly giveFeedback: GiveFeedback;
  /** What the reader sets of it. */
  readonly choices: ConversationChoices;

  /** Loads what is stored and follows what runs; returns how to let go of the connection again. */
  open(): () => void {
    this.#isOpen = true;
    if (this.getSnapshot().loading === "ready") this.#resume();
    else void this.load();
    const { tabs, signals, signIn } = this.#options;
    const leaving = [
      tabs.subscribe((sessionId) => {
        if (sessionId === this.#sessionId && this.#run.now === null) void this.load();
      }),
      signals.subscribe((signal) => {
        if (signal === "visible") this.#sendDueQuestion();
      }),
      signIn.onDone(() => {
        this.#onSignedIn();
      }),
      this.#remoteChanges.start(),
    ];
    return () => {
      for (const leave of leaving) leave();
      this.#isOpen = false;
      this.#run.leave();
    };
  }

  async load(): Promise<void> {
    const loaded = await loadConversation(this.#options.client, this.#sessionId);
    if (this.#run.now !== null || !this.#isOpen) return; // a newer question knows better
    if (typeof loaded === "string") this.#onLoadFailure(loaded);
    else this.#remoteChanges.markSeen(applyLoaded(this.#store, loaded));
    this.#resume();
  }

  /** Some of what was said before. */
  loadEarlier(): Promise<void> {
    return loadEarlier(this.#options.client, this.#store, this.#sessionId);
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
    const { filters, model, turns } = this.getSnapshot();
    const answer = newAnswer(newId(), newId());
    const asked = { key: newId(), question: message, answers: [], shown: 0, beside: null };
    const turn = withAnswer(asked, answer);
    this.#store.setTurns([...turns, turn], { returnedQuestion: null, stop: null });
    const body = { message, session_id: this.#sessionId, filters, ...runOptions(answer, model) };
    this.#run.follow(answer, (signal) => client.ask(body, signal));
  }

  /** Cuts the stream and has the model stopped; what was received stays. */
  async stop(): Promise<void> {
    const live = this.#run.now;
    if (live === null || !this.#isBusy()) return;
    this.#run.close();
    const found = findAnswer(this.getSnapshot().turns, ({ key }) => key === live.key);
    const unanswered = found?.answer.text === "" && found.turn.answers.length === 1;
    if (unanswered) this.#store.withdraw(live.key);
    else this.#store.change(live.key, (answer) => ({ ...answer, phase: "stopped" }));
    const outcome = await this.#options.client.stop(live.runId).catch(() => "unconfirmed" as const);
    this.#store.set({ stop: { key: live.key, outcome }, connection: null });
    this.#options.onActivity();
    if (!unanswered) this.#settle(live, outcome === "unconfirmed");
  }

  /** Another answer to the last question, beside the ones it has. */
  regenerate(): void {
    const { model } = this.getSnapshot();
    this.#answerAgain("regenerate", model === null ? {} : { model });
  }

  /** The last question answered by another model, from the same passages, beside the answer. */
  answerWith(model: string): void {
    const last = lastAnswer(this.getSnapshot().turns);
    if (last === null || this.#isBusy()) return;
    if (last.phase === "error") this.choices.setModel(model); // the other would fail again
    if (last.messageId === null) this.retry();
    else this.#answerAgain("regenerate", byModel(model, last), last.text === "" ? null : last.key);
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

  setQueued(queued: string | null): void {
    this.#store.set({ queued });
  }

  #answerAgain(how: "regenerate" | "continue", as: AnotherAnswer = {}, beside: string | null = null): void {
    const { client, newId } = this.#options;
    const { turns } = this.getSnapshot();
    const messageId = lastAnswer(turns)?.messageId ?? null;
    if (this.#isBusy() || messageId === null) return;
    const answer = newAnswer(newId(), newId());
    const last = turns.length - 1;
    this.#store.setTurns(
      turns.map((turn, index) => (index === last ? withAnswer(turn, answer, beside) : turn)),
      { stop: null },
    );
    this.#run.follow(answer, (signal) =>
      client.answerAgain(how, this.#sessionId, messageId, { ...runOptions(answer), ...as }, signal),
    );
  }

  /** Follows the run that the loaded messages left streaming. */
  #resume(): void {
    const { turns } = this.getSnapshot();
    const running = findAnswer(turns, ({ phase }) => phase === "streaming")?.answer;
    if (this.#run.now !== null || running === undefined) return;
    const answer = newAnswer(running.key, running.runId);
    this.#store.change(running.key, () => answer);
    this.#run.follow(answer, null);
  }

  /** Fetches the end of a stopped answer: stored text can be some tokens ahead, verdicts follow. */
  #settle({ key }: FollowedRun, goesOn: boolean): void {
    const answer = findAnswer(this.getSnapshot().turns, (other) => other.key === key)?.answer;
    if (this.#run.now !== null || !this.#isOpen || answer === undefined) return;
    if (goesOn) this.#store.change(key, (stopped) => ({ ...stopped, phase: "streaming" }));
    this.#run.follow(answer, null);
  }

  #onFollowed({ key, follower }: FollowedRun, ending: FollowResult): void {
    this.#options.onActivity();
    if (ending === "gone") void this.load();
    else if (ending === "refused") this.#onRefusal(key, follower.refusal);
    else {
      void this.#remoteChanges.markOwnChangesSeen();
      this.#sendDueQuestion();
    }
  }

  #onRefusal(key: string, refusal: unknown): void {
    if (!(refusal instanceof ApiError) || refusal.code !== "run_in_progress") {
      this.#store.fail(key, refusal);
      return;
    }
    // Another tab was quicker: show its answer, keep this question.
    this.#store.withdraw(key);
    void this.load();
  }

  #onLoadFailure(loading: LoadFailure): void {
    const { turns } = this.getSnapshot();
    const cut = findAnswer(turns, ({ phase }) => phase === "streaming")?.answer;
    if (turns.length === 0) this.#store.set({ loading });
    else if (cut !== undefined) this.#store.fail(cut.key, null);
  }

  /** Goes on where the want of a sign-in ended things. */
  #onSignedIn(): void {
    const { turns, loading } = this.getSnapshot();
    const last = lastAnswer(turns);
    if (last?.failure?.code === SIGNED_OUT && last.messageId === null) this.retry();
    else if (last?.failure?.code === SIGNED_OUT || loading !== "ready") void this.load();
  }

  /** Sends the waiting question at once, unless an answer is still running. */
  sendQueued(): void {
    const { queued } = this.getSnapshot();
    if (queued === null || this.#isBusy()) return;
    this.setQueued(null);
    this.send(queued);
  }

  /** After an answer that ended well; in a tab behind others, once somebody looks at it. */
  #sendDueQuestion(): void {
    if (this.getSnapshot().phase !== "complete" || this.#options.signals.hidden()) return;
    this.sendQueued();
  }

  /** A stopped answer whose last words are still being fetched does not count. */
  #isBusy(): boolean {
    return this.#run.now !== null && this.getSnapshot().phase === "streaming";
  }
}
