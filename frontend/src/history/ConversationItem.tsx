import { useState, type SubmitEvent } from "react";

import type { Conversation } from "../protocol/api.ts";
import { IconButton } from "../ui/Button.tsx";

interface Props {
  readonly conversation: Conversation;
  readonly isCurrent: boolean;
  readonly onOpen: () => void;
  readonly onRename: (title: string) => void;
  readonly onDelete: () => void;
}

export function ConversationItem({ conversation, isCurrent, onOpen, onRename, onDelete }: Props) {
  const [isRenaming, setRenaming] = useState(false);
  const { title, session_id: id, active_run_id: activeRun } = conversation;
  if (isRenaming) {
    return (
      <RenameForm
        title={title}
        onDone={(changed) => {
          setRenaming(false);
          if (changed !== null) onRename(changed);
        }}
      />
    );
  }
  return (
    <li className={isCurrent ? "conversation conversation--current" : "conversation"}>
      <a
        href={`/c/${encodeURIComponent(id)}`}
        aria-current={isCurrent ? "page" : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          onOpen();
        }}
      >
        {activeRun === null ? null : <span className="running" role="img" aria-label="Answering" />}
        <span className="conversation-title">{title}</span>
      </a>
      <span className="conversation-tools">
        <IconButton
          icon="pen"
          label={`Rename “${title}”`}
          onClick={() => {
            setRenaming(true);
          }}
        />
        <IconButton icon="trash" label={`Delete “${title}”`} onClick={onDelete} />
      </span>
    </li>
  );
}

interface RenameProps {
  readonly title: string;
  /** Called with the new title, or null when it stays as it is. */
  readonly onDone: (title: string | null) => void;
}

function RenameForm({ title, onDone }: RenameProps) {
  const [draft, setDraft] = useState(title);
  const finish = (): void => {
    const changed = draft.trim();
    onDone(changed === "" || changed === title ? null : changed);
  };
  return (
    <li className="conversation">
      <form
        className="rename"
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          finish();
        }}
      >
        <input
          className="field"
          aria-label="Title"
          maxLength={200}
          value={draft}
          ref={(input) => {
            input?.focus();
          }}
          onChange={(event) => {
            setDraft(event.target.value);
          }}
          onBlur={finish}
          onKeyDown={(event) => {
            if (event.key === "Escape") onDone(null);
          }}
        />
      </form>
    </li>
  );
}
