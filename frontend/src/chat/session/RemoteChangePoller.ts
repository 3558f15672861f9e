import type { ConversationDetail } from "../../protocol/api.ts";
import type { Client } from "../../protocol/client.ts";
import type { BrowserSignals } from "./browserSignals.ts";

interface Options {
  readonly client: Pick<Client, "conversation">;
  readonly sessionId: string;
  readonly signals: BrowserSignals;
  /** How often to poll while the tab is visible. */
  readonly intervalMs: number;
  /** False while this tab is changing the conversation itself, or shows nothing yet. */
  readonly isIdle: () => boolean;
  readonly onChange: () => void;
}

/** Detects changes made to the conversation in another browser or on another device. */
export class RemoteChangePoller {
  readonly #options: Options;
  #seenVersion = "";

  constructor(options: Options) {
    this.#options = options;
  }

  /** Polls at intervals, and when the tab becomes visible or goes online; returns how to stop. */
  start(): () => void {
    const poll = (): void => {
      void this.#poll();
    };
    const timer = setInterval(poll, this.#options.intervalMs);
    const unsubscribe = this.#options.signals.subscribe((signal) => {
      if (signal === "visible" || signal === "online" || signal === "restored") poll();
    });
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  /** The page now shows this state of the conversation. */
  markSeen(conversation: ConversationDetail): void {
    this.#seenVersion = versionOf(conversation);
  }

  /** Changes made by this tab are not reported. */
  async markOwnChangesSeen(): Promise<void> {
    const conversation = await this.#fetch();
    if (conversation?.active_run_id === null) this.markSeen(conversation);
  }

  async #poll(): Promise<void> {
    const { signals, isIdle, onChange } = this.#options;
    if (signals.hidden() || !signals.online() || !isIdle()) return;
    const conversation = await this.#fetch();
    if (conversation === null || !isIdle()) return;
    if (versionOf(conversation) !== this.#seenVersion) onChange();
  }

  /** Null when the request failed: the next poll tries again. */
  #fetch(): Promise<ConversationDetail | null> {
    return this.#options.client.conversation(this.#options.sessionId).catch(() => null);
  }
}

function versionOf({ updated_at, active_run_id }: ConversationDetail): string {
  return `${updated_at} ${active_run_id ?? ""}`;
}
