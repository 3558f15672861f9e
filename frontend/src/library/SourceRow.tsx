import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";

import { currentLanguage } from "../i18n/i18n.ts";
import type { Source } from "../protocol/api.ts";
import { IconButton } from "../ui/Button.tsx";
import { focusEnd } from "../ui/fields.ts";
import { clock, count, number } from "../ui/format.ts";
import { Icon } from "../ui/Icon.tsx";
import { tagsIn } from "./listing.ts";

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
  const { t } = useTranslation("library");
  const { title, kind, source_id: id, mine = true, access } = source;
  return (
    <tr className={isChosen ? "source-row source-row--chosen" : "source-row"}>
      <td className="column-choose">
        <input type="checkbox" checked={isChosen} onChange={onChoose} aria-label={t("choose", { title })} />
      </td>
      <th scope="row" className="column-source">
        <Icon name={kind === "recording" ? "voice" : "text"} />
        <span className="source-names">
          <button
            type="button"
            className="source-open"
            onClick={() => {
              onOpen(source);
            }}
          >
            <bdi>{title}</bdi>
          </button>
          <small className="soft">
            <bdi>{source.name}</bdi>
            {source.speakers.length > 0 ? ` · ${source.speakers.join(", ")}` : ""}
            {access === undefined || access === "private" ? "" : ` · ${t(`access.${access}`)}`}
          </small>
        </span>
      </th>
      <td className={hasSize(source) ? "column-size" : "column-size column-size--none"}>
        <span className="unseen">{t(`kinds.${kind}`)} </span>
        {sizeOf(source)}
      </td>
      <td className="column-passages">
        <span className="on-wide">{number(source.passage_count)}</span>
        <span className="on-phone">{count(source.passage_count, "passage")}</span>
      </td>
      <td className="column-added">
        <time dateTime={source.created_at}>{dayOf(source.created_at)}</time>
      </td>
      <td className="column-tags">
        <Tags source={source} isMine={mine} onTags={onTags} />
      </td>
      <td className="column-tools">
        {mine ? (
          <IconButton
            icon="trash"
            label={t("delete", { title })}
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
  const { t } = useTranslation("library");
  const [draft, setDraft] = useState<string | null>(null);
  const { tags, title, source_id: id } = source;
  if (draft === null) {
    return (
      <span className="tags">
        {tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
        {isMine ? (
          <IconButton
            icon="pen"
            label={t("editTags", { title })}
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
        className="field"
        aria-label={t("tagsOf", { title })}
        placeholder={t("tagsHint")}
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
