import type { ConversationDetail } from "../../protocol/api.ts";
import type { Client } from "../../protocol/client.ts";
import type { BrowserSignals } from "./browserSignals.ts";

interface Options {
  readonly client: Pick<Client, "conversation">;
  readonly sessionId: string;
  readonly signals: BrowserSignals;
  /** How often to look while the tab is looked at. */
  readonly everyMs: number;
  /** False while this tab is busy with the conversation itself, or has none. */
  readonly isIdle: () => boolean;
  readonly onNews: () => void;
}

/** Notices when the conversation went on somewhere else: in another browser, on another device. */
export class Elsewhere {
  readonly #options: Options;
  #seen = "";

  constructor(options: Options) {
    this.#options = options;
  }

  /** Looks now and then, and whenever the reader comes back; returns how to stop. */
  watch(): () => void {
    const look = (): void => {
      void this.#look();
    };
    const timer = setInterval(look, this.#options.everyMs);
    const leave = this.#options.signals.subscribe((signal) => {
      if (signal === "visible" || signal === "online" || signal === "restored") look();
    });
    return () => {
      clearInterval(timer);
      leave();
    };
  }

  /** What is on screen is as new as this. */
  saw(conversation: ConversationDetail): void {
    this.#seen = state(conversation);
  }

  /** What this tab did itself is no news. */
  async sawOwn(): Promise<void> {
    const conversation = await this.#read();
    if (conversation?.active_run_id === null) this.saw(conversation);
  }

  async #look(): Promise<void> {
    const { signals, isIdle, onNews } = this.#options;
    if (signals.hidden() || !signals.online() || !isIdle()) return;
    const conversation = await this.#read();
    if (conversation === null || !isIdle() || state(conversation) === this.#seen) return;
    onNews();
  }

  /** Failing to look is no news either: asking or coming back will tell. */
  #read(): Promise<ConversationDetail | null> {
    return this.#options.client.conversation(this.#options.sessionId).catch(() => null);
  }
}

function state({ updated_at, active_run_id }: ConversationDetail): string {
  return `${updated_at} ${active_run_id ?? ""}`;
}
