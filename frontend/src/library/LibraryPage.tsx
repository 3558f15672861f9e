import { useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { PlaceInSource, Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { countsOf } from "../sources/counts.ts";
import { Button } from "../ui/Button.tsx";
import { Toast } from "../ui/Toast.tsx";
import { LibraryBar } from "./LibraryBar.tsx";
import { LibraryTable } from "./LibraryTable.tsx";
import { scopeOf, type View } from "./listing.ts";
import { useLibrary, useLibraryChanges } from "./useLibrary.ts";
import { cx } from "../ui/cx.ts";
import note from "../ui/note.module.css";
import styles from "./LibraryPage.module.css";

interface Props {
  readonly onOpen: (place: PlaceInSource) => void;
  /** Starts a conversation that searches only these. */
  readonly onAskOnly: (filters: Filters) => void;
  readonly onFiles: (files: readonly File[]) => Promise<void>;
}

/** Every source: what it is, how much of it there is, and what can be done with it. */
export function LibraryPage({ onOpen, onAskOnly, onFiles }: Props) {
  const t = useT();
  const [isRefused, setRefused] = useState(false);
  const [view, setView] = useState<View>({ query: "", kind: "all", order: "newest" });
  const library = useLibrary(view);
  const { tag, remove, restore } = useLibraryChanges(() => {
    setRefused(true);
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [deleted, setDeleted] = useState<Source | null>(null);
  const pages = library.data?.pages ?? [];
  const sources = pages.flatMap(({ items }) => items);
  const counts = pages[0]?.counts ?? countsOf(sources);
  const onDelete = (source: Source): void => {
    setRefused(false);
    setDeleted(source);
    setChosen(new Set([...chosen].filter((id) => id !== source.source_id)));
    remove.mutate(source.source_id);
  };
  const onUndo = (source: Source): void => {
    restore.mutate(source.source_id);
    setDeleted(null);
  };
  return (
    <section className={styles.page} aria-labelledby="library-title">
      <LibraryBar counts={counts} view={view} onView={setView} onFiles={onFiles} />
      {library.isError ? (
        <div className={cx(note.note, note.danger)} role="alert">
          <span>{t("library:unreadable")}</span>
          <Button variant="outlined" icon="redo" onClick={() => void library.refetch()}>
            {t("library:again")}
          </Button>
        </div>
      ) : null}
      {isRefused ? (
        <p className={cx(note.note, note.danger)} role="alert">
          {t("library:refused")}
        </p>
      ) : null}
      {library.isSuccess ? (
        <LibraryTable
          sources={sources}
          isSearch={counts.documents + counts.recordings > 0}
          onMore={library.hasNextPage ? () => void library.fetchNextPage() : null}
          chosen={chosen}
          onChoose={setChosen}
          onOpen={({ source_id: sourceId }) => {
            onOpen({ sourceId, passageId: "", page: null, quoteStart: null, quoteEnd: null });
          }}
          onTags={(id, tags) => {
            tag.mutate({ id, tags });
          }}
          onDelete={onDelete}
        />
      ) : null}
      <SelectionBar
        count={chosen.size}
        onClear={() => {
          setChosen(new Set());
        }}
        onAsk={() => {
          onAskOnly(scopeOf(chosen));
        }}
      />
      {deleted === null ? null : (
        <Toast
          key={deleted.source_id}
          text={t("library:deleted", { title: deleted.title })}
          action={t("library:undo")}
          onAction={() => {
            onUndo(deleted);
          }}
          onGone={() => {
            setDeleted(null);
          }}
        />
      )}
    </section>
  );
}

interface SelectionBarProps {
  readonly count: number;
  readonly onClear: () => void;
  readonly onAsk: () => void;
}

/** Appears below the list once something is chosen. */
function SelectionBar({ count, onClear, onAsk }: SelectionBarProps) {
  const t = useT();
  return (
    <div className={styles.selection} role="status">
      {count === 0 ? null : (
        <>
          <span>{t("library:chosen", { count })}</span>
          <Button onClick={onClear}>{t("library:clear")}</Button>
          <Button variant="primary" icon="search" onClick={onAsk}>
            {t("library:askOnly")}
          </Button>
        </>
      )}
    </div>
  );
}
