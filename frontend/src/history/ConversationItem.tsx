import { useState, type SubmitEvent } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { currentLanguage } from "../i18n/i18n.ts";
import type { Conversation } from "../protocol/api.ts";
import { conversationFile, ROOT_PATH } from "../protocol/addresses.ts";
import { IconButton } from "../ui/Button.tsx";
import { focusBack, focusSelected } from "../ui/fields.ts";
import { Icon } from "../ui/Icon.tsx";
import { HighlightedText } from "./HighlightedText.tsx";
import { cx } from "../ui/cx.ts";
import { iconButtonClass } from "../ui/buttonClass.ts";
import field from "../ui/field.module.css";
import styles from "./ConversationItem.module.css";

interface Props {
  readonly conversation: Conversation;
  readonly query: string;
  readonly isCurrent: boolean;
  readonly onOpen: () => void;
  readonly onRename: (title: string) => void;
  readonly onDelete: () => void;
}

/** One line of the list: opens its conversation, and what can be done with it. */
export function ConversationItem({ conversation, query, isCurrent, onOpen, ...on }: Props) {
  const t = useT();
  const [isRenaming, setRenaming] = useState(false);
  const [isBack, setBack] = useState(false);
  const { title, session_id: id, active_run_id: activeRun, match } = conversation;
  if (isRenaming) {
    return (
      <RenameForm
        title={title}
        onDone={(changed, how) => {
          setRenaming(false);
          setBack(how === "key");
          if (changed !== null) on.onRename(changed);
        }}
      />
    );
  }
  const save = t("history:save", { title });
  return (
    <div className={isCurrent ? cx(styles.item, styles.current) : styles.item}>
      <a
        href={`${ROOT_PATH}/c/${encodeURIComponent(id)}`}
        aria-current={isCurrent ? "page" : undefined}
        title={title}
        ref={isBack ? focusBack : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          onOpen();
        }}
      >
        {activeRun === null ? null : (
          <span className={styles.running} role="img" aria-label={t("history:answering")} />
        )}
        <span className={styles.text}>
          <bdi className={styles.title}>
            <HighlightedText text={title} query={query} />
          </bdi>
          {match == null ? null : (
            <span className={styles.match} dir="auto">
              <HighlightedText text={match.text} query={query} />
            </span>
          )}
        </span>
      </a>
      <span className={styles.tools}>
        <IconButton
          icon="pen"
          label={t("history:rename", { title })}
          onClick={() => {
            setRenaming(true);
          }}
        />
        <a
          className={iconButtonClass("quiet")}
          href={conversationFile(id, currentLanguage())}
          download
          aria-label={save}
          title={save}
        >
          <Icon name="down" />
        </a>
        <IconButton icon="trash" label={t("history:delete", { title })} onClick={on.onDelete} />
      </span>
    </div>
  );
}

interface RenameProps {
  readonly title: string;
  /** Called with the new title, or null when it stays as it is; `left`: the focus is elsewhere. */
  readonly onDone: (title: string | null, how: "key" | "left") => void;
}

function RenameForm({ title, onDone }: RenameProps) {
  const t = useT();
  const [draft, setDraft] = useState(title);
  const finish = (how: "key" | "left"): void => {
    const changed = draft.trim();
    onDone(changed === "" || changed === title ? null : changed, how);
  };
  return (
    <div className={styles.item}>
      <form
        className={styles.renameForm}
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          finish("key");
        }}
      >
        <input
          className={field.field}
          dir="auto"
          aria-label={t("history:title")}
          maxLength={200}
          value={draft}
          ref={focusSelected}
          onChange={(event) => {
            setDraft(event.target.value);
          }}
          onBlur={() => {
            finish("left");
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            onDone(null, "key");
          }}
        />
      </form>
    </div>
  );
}
