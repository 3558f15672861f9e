import type { Client } from "../protocol/client.ts";
import type { BrowserSignals } from "./browserSignals.ts";
import type { Peers } from "./peers.ts";
import type { FollowerTimes } from "./RunFollower.ts";

/** What a conversation needs from the world around it. */
export interface ChatSessionOptions {
  readonly client: Client;
  readonly signals: BrowserSignals;
  readonly peers: Peers;
  readonly times: FollowerTimes;
  readonly newId: () => string;
  readonly random: () => number;
  /** Runs `flush` soon, once; the page gives one call per animation frame. */
  readonly schedule: (flush: () => void) => void;
  /** Called when a run of this conversation began or ended. */
  readonly onActivity: () => void;
}
