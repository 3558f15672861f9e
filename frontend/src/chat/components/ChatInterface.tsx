import { memo, useCallback, useMemo, useState } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { lastAnswer, type ChatSnapshot } from "../state/chatState.ts";
import type { Connection } from "../state/chatState.ts";
import { ChatContext, ConnectionContext, useChat } from "./chatContext.ts";
import type { ChatRenderers } from "./renderers.ts";
import type { Edit } from "./useDraft.ts";
import { useEarlierTurns } from "./useEarlierTurns.ts";
import { useEscape } from "./useEscape.ts";
import { useFollowScroll, type FollowScroll } from "./useFollowScroll.ts";
import { useOffline } from "./useOffline.ts";
import { useStreamingChat, type Start } from "../session/useStreamingChat.ts";
import { Composer } from "./Composer.tsx";
import { ConnectionNote } from "./ConnectionNote.tsx";
import { LiveRegion } from "./LiveRegion.tsx";
import { LoadingNote } from "./LoadingNote.tsx";
import { QueuedQuestion } from "./QueuedQuestion.tsx";
import { TurnView } from "./TurnView.tsx";
import { cx } from "../../ui/cx.ts";
import styles from "./ChatInterface.module.css";

interface Props {
  /** Give the component `key={sessionId}`: another conversation is another component. */
  readonly sessionId: string;
  readonly isNew: boolean;
  readonly renderers: ChatRenderers;
  readonly onActivity: () => void;
  readonly onSignIn: () => void;
  readonly start?: Start | null;
}

/** One conversation: questions, streaming answers, and where the next question is written. */
export function ChatInterface({ sessionId, isNew, renderers, onActivity, onSignIn, start = null }: Props) {
  const { snapshot, session } = useStreamingChat(sessionId, isNew, onActivity, start);
  const scroll = useFollowScroll(snapshot.turns.length === 0, snapshot.phase === "streaming");
  const isOffline = useOffline();
  const [edited, setEdited] = useState<Edit | null>(null);
  const edit = useCallback((question: string) => {
    setEdited((last) => ({ question, times: (last?.times ?? 0) + 1 }));
  }, []);
  const { turns, phase } = snapshot;
  const connection = isOffline ? "offline" : snapshot.connection;
  useEscape(phase === "streaming", () => void session.stop());
  const { toEnd, isBehind } = scroll;
  const ask = useCallback(
    (question: string) => {
      session.send(question);
      toEnd();
    },
    [session, toEnd],
  );
  const chat = useMemo(
    () => ({ session, renderers, onAsk: ask, onSignIn }),
    [session, renderers, ask, onSignIn],
  );
  const { queued, filters, model, returnedQuestion } = snapshot;
  return (
    <ChatContext value={chat}>
      <ConnectionContext value={connection}>
        <div className={styles.chat} data-phase={phase}>
          <Messages {...{ snapshot, scroll }} onAsk={ask} onEdit={edit} />
          <Dock
            {...{ connection, queued, filters, model, returnedQuestion, edited, toEnd }}
            isEmpty={isNew && turns.length === 0}
            isBusy={phase === "streaming"}
            isBuffered={snapshot.isBuffered}
            isBehind={isBehind}
            lastQuestion={turns.at(-1)?.question ?? null}
            draftKey={isNew && turns.length === 0 ? "new" : sessionId}
            onAsk={ask}
          />
          <LiveRegion answer={lastAnswer(turns)} />
        </div>
      </ConnectionContext>
    </ChatContext>
  );
}

interface MessagesProps {
  readonly snapshot: ChatSnapshot;
  readonly scroll: FollowScroll;
  readonly onAsk: (question: string) => void;
  readonly onEdit: (question: string) => void;
}

function Messages({ snapshot, scroll, onAsk, onEdit }: MessagesProps) {
  const t = useT();
  const { session, renderers, onSignIn } = useChat();
  const { turns, earlier, loading, stop } = snapshot;
  const { scroller, content } = scroll;
  const loadEarlier = useCallback(() => session.loadEarlier(), [session]);
  const before = useEarlierTurns(turns, scroller, loadEarlier);
  return (
    <div className={styles.messages} ref={scroller}>
      <div className={styles.column} ref={content}>
        {turns.length === 0 && loading === "ready" ? <renderers.Welcome onAsk={onAsk} /> : null}
        <LoadingNote loading={loading} onRetry={() => void session.load()} onSignIn={onSignIn} />
        {earlier === null ? null : (
          <Button variant="outlined" className={styles.earlier} ref={before} onClick={() => void loadEarlier()}>
            {t("chat:messages.earlier")}
          </Button>
        )}
        {turns.map((turn) => {
          const isStopped = stop !== null && turn.answers[turn.shown]?.key === stop.key;
          return (
            <TurnView
              key={turn.key}
              turn={turn}
              isLast={turn === turns.at(-1)}
              stop={isStopped ? stop.outcome : null}
              onEdit={onEdit}
            />
          );
        })}
      </div>
    </div>
  );
}

interface DockProps
  extends Pick<ChatSnapshot, "queued" | "filters" | "model" | "returnedQuestion" | "isBuffered"> {
  readonly isEmpty: boolean;
  readonly connection: Connection | null;
  readonly onAsk: (question: string) => void;
  readonly isBusy: boolean;
  readonly isBehind: boolean;
  readonly toEnd: () => void;
  readonly lastQuestion: string | null;
  readonly draftKey: string;
  readonly edited: Edit | null;
}

/** Memoised: tokens do not concern it. */
const Dock = memo(function Dock({ connection, queued, filters, model, isEmpty, ...props }: DockProps) {
  const t = useT();
  const { session, renderers } = useChat();
  const forgetModel = useCallback(() => {
    session.choices.forgetModel();
  }, [session]);
  const { isBusy, isBuffered, isBehind, toEnd, lastQuestion, draftKey, returnedQuestion, edited, onAsk } =
    props;
  return (
    <div className={cx(styles.dock, styles.column)}>
      {isBehind ? (
        <button type="button" className={styles.newText} onClick={toEnd}>
          <Icon name="down" /> {t("chat:messages.newText")}
        </button>
      ) : null}
      <ConnectionNote {...{ connection, isBuffered, isBusy }} />
      {queued === null ? null : (
        <QueuedQuestion
          question={queued}
          canSend={!isBusy}
          onChange={(question) => {
            session.setQueued(question);
          }}
          onSend={() => {
            session.sendQueued();
          }}
        />
      )}
      <Composer
        {...{ draftKey, isBusy, returnedQuestion, edited, lastQuestion }}
        onSend={onAsk}
        onStop={() => void session.stop()}
        SaveAsDocument={renderers.SaveAsDocument}
      >
        <renderers.ScopePicker
          filters={filters}
          onChange={(chosen) => {
            session.choices.setFilters(chosen);
          }}
        />
        <renderers.ModelPicker
          chosen={model}
          isNew={isEmpty}
          onChange={(name) => {
            session.choices.setModel(name);
          }}
          onForget={forgetModel}
        />
      </Composer>
      <renderers.Destination chosen={model} />
    </div>
  );
});
