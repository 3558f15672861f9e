import type { RunOptions } from "../../protocol/api.ts";
import type { Client } from "../../protocol/client.ts";
import type { SignIn } from "../../protocol/signIn.ts";
import type { Answer } from "../state/answerReducer.ts";
import type { BrowserSignals } from "./browserSignals.ts";
import type { PreferredModel } from "./preferredModel.ts";
import type { TabChannel } from "./tabChannel.ts";
import type { FollowerTimes } from "./RunFollower.ts";

/** What a conversation needs from the world around it. */
export interface ChatSessionOptions {
  readonly client: Client;
  readonly signals: BrowserSignals;
  readonly tabs: TabChannel;
  readonly preferredModel: PreferredModel;
  readonly signIn: Pick<SignIn, "onDone">;
  readonly times: FollowerTimes;
  /** How often to look whether the conversation went on elsewhere. */
  readonly remotePollMs: number;
  readonly newId: () => string;
  readonly random: () => number;
  /** Runs `flush` soon, once; the page gives one call per animation frame. */
  readonly schedule: (flush: () => void) => void;
  /** Called when a run of this conversation began or ended. */
  readonly onActivity: () => void;
}

/** Every run of this page outlives its connection and has an id of ours. */
export function runOptions({ runId }: Pick<Answer, "runId">, model: string | null = null): RunOptions {
  const run = { on_disconnect: "continue", run_id: runId ?? "" } as const;
  return model === null ? run : { ...run, model };
}

/** How a question is answered again: by which model, and from the passages of which answer. */
export interface AnotherAnswer {
  readonly model?: string;
  readonly keep_passages?: boolean;
}

/** From the passages of `last`, where it has some. */
export function byModel(model: string, last: Pick<Answer, "passages">): AnotherAnswer {
  return last.passages.length > 0 ? { model, keep_passages: true } : { model };
}
