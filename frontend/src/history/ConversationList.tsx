import "./history.css";

import { useState } from "react";

import type { Conversation } from "../protocol/api.ts";
import { Button } from "../ui/Button.tsx";
import { Toast } from "../ui/Toast.tsx";
import { ConversationItem } from "./ConversationItem.tsx";
import { groupConversations } from "./groups.ts";
import { useConversations } from "./useConversations.ts";

interface Props {
  readonly currentId: string | null;
  readonly onOpen: (sessionId: string) => void;
  /** Called when the conversation on screen was deleted. */
  readonly onCurrentDeleted: () => void;
}

const SEARCH_FROM = 6;

export function ConversationList({ currentId, onOpen, onCurrentDeleted }: Props) {
  const { list, rename, remove, restore } = useConversations();
  const [wanted, setWanted] = useState("");
  const [deleted, setDeleted] = useState<Conversation | null>(null);
  const all = list.data?.pages.flatMap((page) => page.items) ?? [];
  const visible = all.filter((conversation) => conversation.session_id !== deleted?.session_id);
  const onDelete = (conversation: Conversation): void => {
    setDeleted(conversation);
    remove.mutate(conversation.session_id);
    if (conversation.session_id === currentId) onCurrentDeleted();
  };
  return (
    <nav className="history" aria-label="Conversations">
      {all.length >= SEARCH_FROM ? (
        <input
          type="search"
          className="field"
          placeholder="Find a conversation"
          aria-label="Find a conversation"
          value={wanted}
          onChange={(event) => {
            setWanted(event.target.value);
          }}
        />
      ) : null}
      {groupConversations(visible, wanted, new Date()).map((group) => (
        <section key={group.name}>
          <h2>{group.name}</h2>
          <ul>
            {group.items.map((conversation) => (
              <ConversationItem
                key={conversation.session_id}
                conversation={conversation}
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
            ))}
          </ul>
        </section>
      ))}
      {list.isError ? <p className="history-note">The conversations cannot be read.</p> : null}
      {list.hasNextPage ? (
        <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
      ) : null}
      {deleted === null ? null : (
        <Toast
          text={`Deleted “${deleted.title}”`}
          action="Undo"
          onAction={() => {
            restore.mutate(deleted.session_id);
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
