import "./chat.css";

import { useEffect } from "react";

import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { lastAnswer, type Loading } from "../chatState.ts";
import type { ChatSlots } from "../slots.ts";
import { useFollowScroll } from "../useFollowScroll.ts";
import { useOffline } from "../useOffline.ts";
import { useStreamingChat } from "../useStreamingChat.ts";
import { Composer } from "./Composer.tsx";
import { ConnectionNote } from "./ConnectionNote.tsx";
import { LiveRegion } from "./LiveRegion.tsx";
import { Queued } from "./Queued.tsx";
import { TurnView } from "./TurnView.tsx";

interface Props {
  /** Give the component `key={sessionId}`: another conversation is another component. */
  readonly sessionId: string;
  readonly isNew: boolean;
  readonly slots: ChatSlots;
  readonly onActivity: () => void;
}

/** One conversation: questions, streaming answers, and where the next question is written. */
export function ChatInterface({ sessionId, isNew, slots, onActivity }: Props) {
  const { snapshot, session } = useStreamingChat(sessionId, isNew, onActivity);
  const { scroller, content, isBehind, toEnd } = useFollowScroll();
  const isOffline = useOffline();
  const { turns, phase, loading, queued } = snapshot;
  const connection = isOffline ? "offline" : snapshot.connection;
  const isBusy = phase === "streaming";
  useEscape(isBusy, () => void session.stop());
  const ask = (question: string): void => {
    session.send(question);
    toEnd();
  };
  return (
    <div className="chat" data-phase={phase}>
      <div className="messages" ref={scroller}>
        <div className="column" ref={content}>
          {turns.length === 0 && loading === "ready" ? <slots.Welcome onAsk={ask} /> : null}
          <LoadingNote loading={loading} onRetry={() => void session.load()} />
          {turns.map((turn, index) => (
            <TurnView
              key={turn.key}
              turn={turn}
              isLast={index === turns.length - 1}
              session={session}
              slots={slots}
              connection={index === turns.length - 1 ? connection : null}
              stop={snapshot.stop}
            />
          ))}
        </div>
      </div>
      <div className="dock column">
        {isBehind && isBusy ? (
          <button type="button" className="new-text" onClick={toEnd}>
            <Icon name="down" /> New text
          </button>
        ) : null}
        <ConnectionNote connection={connection} />
        {queued === null ? null : (
          <Queued
            question={queued}
            onChange={(question) => {
              session.setQueued(question);
            }}
          />
        )}
        <Composer
          isBusy={isBusy}
          returned={snapshot.returned}
          lastQuestion={turns.at(-1)?.question ?? null}
          onSend={ask}
          onStop={() => void session.stop()}
        >
          <slots.ScopePicker
            filters={snapshot.filters}
            onChange={(filters) => {
              session.setFilters(filters);
            }}
          />
        </Composer>
      </div>
      <LiveRegion answer={lastAnswer(turns)} />
    </div>
  );
}

interface LoadingProps {
  readonly loading: Loading;
  readonly onRetry: () => void;
}

function LoadingNote({ loading, onRetry }: LoadingProps) {
  if (loading === "missing") {
    return <p className="note">This conversation does not exist, or it is not yours.</p>;
  }
  if (loading !== "failed") return null;
  return (
    <div className="note note--bad" role="alert">
      <span>The conversation cannot be read right now.</span>
      <Button look="outlined" icon="redo" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}

/** Escape stops the answer, unless something in front of it took the key. */
function useEscape(isActive: boolean, onEscape: () => void): void {
  useEffect(() => {
    if (!isActive) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented) onEscape();
    };
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", onKey);
    };
  }, [isActive, onEscape]);
}
