import type { Filters } from "../../protocol/events.gen.ts";
import type { ChatStore } from "../state/ChatStore.ts";
import { compareAnswers, showAnswer, type Turn } from "../state/turns.ts";
import type { ChatSessionOptions } from "./sessionOptions.ts";

/** What the reader chooses for the next question, and which answers are on screen. */
export class ConversationChoices {
  readonly #options: Pick<ChatSessionOptions, "client" | "preferredModel">;
  readonly #store: ChatStore;
  readonly #sessionId: string;

  constructor(
    options: Pick<ChatSessionOptions, "client" | "preferredModel">,
    store: ChatStore,
    sessionId: string,
  ) {
    this.#options = options;
    this.#store = store;
    this.#sessionId = sessionId;
  }

  setFilters(filters: Filters): void {
    this.#store.set({ filters });
    this.#remember({ filters });
  }

  /** For the next question, and for those of new conversations. */
  setModel(model: string): void {
    this.#store.set({ model });
    this.#options.preferredModel.set(model);
    this.#remember({ model });
  }

  /** What this browser preferred is not offered any more: the default is. */
  forgetModel(): void {
    this.#store.set({ model: null });
    this.#options.preferredModel.set(null);
  }

  /** Turns to another of a question's answers. */
  show(turnKey: string, shown: number): void {
    this.#change(turnKey, (turn) => showAnswer(turn, shown));
  }

  /** Shows two of a question's answers side by side, or one again. */
  compare(turnKey: string): void {
    this.#change(turnKey, compareAnswers);
  }

  #change(turnKey: string, change: (turn: Turn) => Turn): void {
    const { turns } = this.#store.get();
    this.#store.setTurns(turns.map((turn) => (turn.key === turnKey ? change(turn) : turn)));
  }

  #remember(change: { filters?: Filters; model?: string }): void {
    if (this.#store.get().turns.length === 0) return; // the first question takes them along
    // Also sent with every question, so a failure here costs only their memory.
    this.#options.client.changeConversation(this.#sessionId, change).catch(() => undefined);
  }
}
