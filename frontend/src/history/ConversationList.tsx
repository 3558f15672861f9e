import { useCallback, useMemo, useState, type KeyboardEvent } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { Conversation } from "../protocol/api.ts";
import { Button } from "../ui/Button.tsx";
import { Toast } from "../ui/Toast.tsx";
import { ConversationItem } from "./ConversationItem.tsx";
import { ConversationRows, useDebounced } from "./ConversationRows.tsx";
import { rowsOf } from "./rows.ts";
import { useConversationChanges, useConversations } from "./useConversations.ts";
import { useFollowActive } from "./useFollowActive.ts";
import field from "../ui/field.module.css";
import styles from "./ConversationList.module.css";
import text from "../ui/text.module.css";

interface Props {
  readonly currentId: string | null;
  readonly onOpen: (sessionId: string) => void;
  /** Called when the conversation on screen was deleted. */
  readonly onCurrentDeleted: () => void;
}

const NONE: readonly Conversation[] = [];
const SEARCH_DEBOUNCE_MS = 200;

/** Every conversation, to be found, opened, renamed, saved and deleted. */
export function ConversationList({ currentId, onOpen, onCurrentDeleted }: Props) {
  const t = useT();
  const [typed, setTyped] = useState("");
  const query = useDebounced(typed.trim(), SEARCH_DEBOUNCE_MS);
  const { list, conversations } = useConversations(query);
  useFollowActive(query === "" ? conversations : NONE);
  const [deleted, setDeleted] = useState<Conversation | null>(null);
  const [isRefused, setRefused] = useState(false);
  const { rename, remove, restore } = useConversationChanges(() => {
    setRefused(true);
    setDeleted(null);
  });
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const rows = useMemo(() => rowsOf(conversations, new Date()), [conversations]);
  const { fetchNextPage, isFetchingNextPage, hasNextPage } = list;
  const onMore = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const onDelete = (conversation: Conversation): void => {
    setRefused(false);
    setDeleted(conversation);
    remove.mutate(conversation.session_id);
    if (conversation.session_id === currentId) onCurrentDeleted();
  };
  return (
    <nav className={styles.panel} aria-label={t("history:name")}>
      <SearchField value={typed} onChange={setTyped} />
      <p className={text.visuallyHidden} role="status">
        {query !== "" && !list.isFetching ? t("history:found", { count: conversations.length }) : ""}
      </p>
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions -- its keys move the focus between the links inside */}
      <div className={styles.scroller} ref={setScroller} onKeyDown={moveFocus}>
        <Notes
          isEmpty={list.isSuccess && rows.length === 0}
          isSearch={query !== ""}
          isError={list.isError}
          isRefused={isRefused}
          onAgain={() => void list.refetch()}
        />
        <ConversationRows rows={rows} scroller={scroller} hasMore={hasNextPage} onMore={onMore}>
          {(conversation) => (
            <ConversationItem
              conversation={conversation}
              query={query}
              isCurrent={conversation.session_id === currentId}
              onOpen={() => {
                onOpen(conversation.session_id);
              }}
              onRename={(title) => {
                rename.mutate({ id: conversation.session_id, title });
              }}
              onDelete={() => {
                onDelete(conversation);
              }}
            />
          )}
        </ConversationRows>
      </div>
      {deleted === null ? null : (
        <Toast
          key={deleted.session_id}
          text={t("history:deleted", { title: deleted.title })}
          action={t("history:undo")}
          onAction={() => {
            restore.mutate(deleted);
            setDeleted(null);
          }}
          onGone={() => {
            setDeleted(null);
          }}
        />
      )}
    </nav>
  );
}

interface SearchProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function SearchField({ value, onChange }: SearchProps) {
  const t = useT();
  return (
    <input
      type="search"
      className={field.field}
      placeholder={t("history:find")}
      aria-label={t("history:find")}
      maxLength={200}
      value={value}
      onChange={(event) => {
        onChange(event.target.value);
      }}
    />
  );
}

interface NotesProps {
  readonly isEmpty: boolean;
  readonly isSearch: boolean;
  readonly isError: boolean;
  readonly isRefused: boolean;
  readonly onAgain: () => void;
}

function Notes({ isEmpty, isSearch, isError, isRefused, onAgain }: NotesProps) {
  const t = useT();
  return (
    <>
      {isEmpty ? <p className={styles.note}>{isSearch ? t("history:nothingFound") : t("history:empty")}</p> : null}
      {isRefused ? (
        <p className={styles.note} role="alert">
          {t("history:refused")}
        </p>
      ) : null}
      {isError ? (
        <p className={styles.note} role="alert">
          {t("history:unreadable")} <Button onClick={onAgain}>{t("history:again")}</Button>
        </p>
      ) : null}
    </>
  );
}

/** ↑ and ↓ go from one conversation to the next. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || event.target instanceof HTMLInputElement) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("a[href^='/c/']")];
  const row = event.target instanceof Element ? event.target.closest("li") : null;
  const at = links.findIndex((link) => row?.contains(link) ?? false);
  const next = links[at + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
