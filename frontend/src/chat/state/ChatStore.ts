import type { Answer } from "./answerReducer.ts";
import { changeAnswer, failureOf, withdraw, withTurns, type ChatSnapshot } from "./chatState.ts";
import type { Turn } from "./turns.ts";

/** Holds the snapshot of one conversation and notifies its subscribers of changes. */
export class ChatStore {
  readonly #listeners = new Set<() => void>();
  #snapshot: ChatSnapshot;

  constructor(snapshot: ChatSnapshot) {
    this.#snapshot = snapshot;
  }

  readonly get = (): ChatSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(change: Partial<ChatSnapshot>): void {
    this.#replace({ ...this.#snapshot, ...change });
  }

  setTurns(turns: readonly Turn[], change: Partial<ChatSnapshot> = {}): void {
    this.#replace({ ...withTurns(this.#snapshot, turns), ...change });
  }

  change(key: string, change: (answer: Answer) => Answer): void {
    this.#replace(changeAnswer(this.#snapshot, key, change));
  }

  fail(key: string, refusal: unknown): void {
    const failure = failureOf(refusal);
    this.change(key, (answer) => ({ ...answer, phase: "error", failure }));
  }

  withdraw(key: string): void {
    this.#replace(withdraw(this.#snapshot, key));
  }

  #replace(snapshot: ChatSnapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }
}
