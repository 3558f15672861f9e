import { useEffect, useRef, useState, useSyncExternalStore } from "react";

import { api } from "../../protocol/client.ts";
import type { Filters } from "../../protocol/events.gen.ts";
import { randomId } from "../../protocol/ids.ts";
import { signIn } from "../../protocol/signIn.ts";
import { browserSignals } from "./browserSignals.ts";
import { ChatSession } from "./ChatSession.ts";
import type { ChatSnapshot } from "../state/chatState.ts";
import { browserTabChannel } from "./tabChannel.ts";
import { browserPreferredModel } from "./preferredModel.ts";
import { FOLLOWER_TIMES } from "./RunFollower.ts";

const REMOTE_POLL_MS = 10_000;

export interface StreamingChat {
  readonly snapshot: ChatSnapshot;
  readonly session: ChatSession;
}

/** What a new conversation begins with: what it searches, a question that is asked at once. */
export interface Start {
  readonly filters?: Filters;
  readonly question?: string;
}

/** One state update per painted frame; hidden tabs paint none, so they get a timer. */
function nextFrame(flush: () => void): void {
  if (browserSignals.hidden()) setTimeout(flush, 250);
  else requestAnimationFrame(flush);
}

/**
 * The conversation `sessionId`, live. `isNew`: nothing is stored yet, so nothing is loaded.
 * Both are read once: give the component that calls this `key={sessionId}`.
 */
export function useStreamingChat(
  sessionId: string,
  isNew: boolean,
  onActivity: () => void,
  start: Start | null = null,
): StreamingChat {
  const [session] = useState(() => {
    const made = new ChatSession(sessionId, isNew, {
      client: api,
      signals: browserSignals,
      tabs: browserTabChannel,
      preferredModel: browserPreferredModel,
      signIn,
      times: FOLLOWER_TIMES,
      remotePollMs: REMOTE_POLL_MS,
      newId: randomId,
      random: Math.random,
      schedule: nextFrame,
      onActivity,
    });
    if (start?.filters !== undefined) made.choices.setFilters(start.filters);
    return made;
  });
  const [question] = useState(start?.question);
  const isAsked = useRef(false);
  useEffect(() => {
    const close = session.open();
    if (question !== undefined && !isAsked.current) session.send(question);
    isAsked.current = true;
    return close;
  }, [session, question]);
  const snapshot = useSyncExternalStore(session.subscribe, session.getSnapshot);
  return { snapshot, session };
}
