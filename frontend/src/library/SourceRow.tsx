import { useState, type SubmitEvent } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { currentLanguage } from "../i18n/i18n.ts";
import type { Source } from "../protocol/api.ts";
import { fidelityText } from "../sources/fidelity.ts";
import { IconButton } from "../ui/Button.tsx";
import { focusEnd } from "../ui/fields.ts";
import { clock, count, number } from "../ui/format.ts";
import { Icon } from "../ui/Icon.tsx";
import { tagsIn } from "./listing.ts";
import { cx } from "../ui/cx.ts";
import field from "../ui/field.module.css";
import styles from "./LibraryTable.module.css";
import text from "../ui/text.module.css";

interface Props {
  readonly source: Source;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly onOpen: (source: Source) => void;
  readonly onTags: (sourceId: string, tags: readonly string[]) => void;
  readonly onDelete: (source: Source) => void;
}

/** One source. Who does not own it may read it, and nothing else. */
export function SourceRow({ source, isChosen, onChoose, onOpen, onTags, onDelete }: Props) {
  const t = useT();
  const { title, kind, source_id: id, mine, access } = source;
  const missing = fidelityText(source.notes);
  return (
    <tr className={isChosen ? cx(styles.row, styles.selected) : styles.row}>
      <td className={styles.choose}>
        <input type="checkbox" checked={isChosen} onChange={onChoose} aria-label={t("library:choose", { title })} />
      </td>
      <th scope="row" className={styles.source}>
        <Icon name={kind === "recording" ? "voice" : "text"} />
        <span className={styles.names}>
          <button
            type="button"
            className={styles.openButton}
            onClick={() => {
              onOpen(source);
            }}
          >
            <bdi>{title}</bdi>
          </button>
          <small className={text.secondary}>
            <bdi>{source.name}</bdi>
            {source.speakers.length > 0 ? ` · ${source.speakers.join(", ")}` : ""}
            {access === "private" ? "" : ` · ${t(`library:access.${access}`)}`}
          </small>
          {missing === "" ? null : <small className={text.secondary}>{missing}</small>}
        </span>
      </th>
      <td className={hasSize(source) ? styles.size : cx(styles.size, styles.unknown)}>
        <span className={text.visuallyHidden}>{t(`library:kinds.${kind}`)} </span>
        {sizeOf(source)}
      </td>
      <td className={styles.passages}>
        <span className={styles.wideOnly}>{number(source.passage_count)}</span>
        <span className={styles.narrowOnly}>{count(source.passage_count, "passage")}</span>
      </td>
      <td className={styles.added}>
        <time dateTime={source.created_at}>{dayOf(source.created_at)}</time>
      </td>
      <td className={styles.tags}>
        <Tags source={source} isMine={mine} onTags={onTags} />
      </td>
      <td className={styles.tools}>
        {mine ? (
          <IconButton
            icon="trash"
            label={t("library:delete", { title })}
            data-source={id}
            onClick={() => {
              onDelete(source);
            }}
          />
        ) : null}
      </td>
    </tr>
  );
}

function hasSize({ duration_s: seconds, pages }: Source): boolean {
  return seconds !== null || pages !== null;
}

function sizeOf({ duration_s: seconds, pages }: Source): string {
  if (seconds !== null) return clock(seconds);
  return pages === null ? "–" : count(pages, "page");
}

function dayOf(date: string): string {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium" }).format(new Date(date));
}

interface TagsProps {
  readonly source: Source;
  readonly isMine: boolean;
  readonly onTags: Props["onTags"];
}

function Tags({ source, isMine, onTags }: TagsProps) {
  const t = useT();
  const [draft, setDraft] = useState<string | null>(null);
  const { tags, title, source_id: id } = source;
  if (draft === null) {
    return (
      <span className={styles.tagList}>
        {tags.map((tag) => (
          <span key={tag} className={styles.tag}>
            {tag}
          </span>
        ))}
        {isMine ? (
          <IconButton
            icon="pen"
            label={t("library:editTags", { title })}
            onClick={() => {
              setDraft(tags.join(", "));
            }}
          />
        ) : null}
      </span>
    );
  }
  const finish = (): void => {
    const changed = tagsIn(draft);
    if (changed.join() !== tags.join()) onTags(id, changed);
    setDraft(null);
  };
  return (
    <form
      onSubmit={(event: SubmitEvent) => {
        event.preventDefault();
        finish();
      }}
    >
      <input
        className={field.field}
        aria-label={t("library:tagsOf", { title })}
        placeholder={t("library:tagsHint")}
        maxLength={400}
        value={draft}
        ref={focusEnd}
        onChange={({ target }) => {
          setDraft(target.value);
        }}
        onBlur={finish}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          setDraft(null);
        }}
      />
    </form>
  );
}
