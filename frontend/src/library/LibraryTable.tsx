import { useT } from "../i18n/useLanguage.ts";
import type { Source } from "../protocol/api.ts";
import { Button } from "../ui/Button.tsx";
import { SourceRow } from "./SourceRow.tsx";
import { cx } from "../ui/cx.ts";
import styles from "./LibraryTable.module.css";
import text from "../ui/text.module.css";

interface Props {
  readonly sources: readonly Source[];
  /** There are sources, but perhaps none that is looked for. */
  readonly isSearch: boolean;
  /** Reads the next page; null when there is none. */
  readonly onMore: (() => void) | null;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  readonly onOpen: (source: Source) => void;
  readonly onTags: (sourceId: string, tags: readonly string[]) => void;
  readonly onDelete: (source: Source) => void;
}

const COLUMNS = ["source", "size", "passages", "added", "tags"] as const;

/** The sources as a table; on a phone each is a card. */
export function LibraryTable({ sources, isSearch, onMore, chosen, onChoose, ...on }: Props) {
  const t = useT();
  if (sources.length === 0) {
    return <p className={cx(styles.empty, text.secondary)}>{t(isSearch ? "library:nothingFound" : "library:empty")}</p>;
  }
  return (
    <>
      <table className={styles.table}>
        <caption className={text.visuallyHidden}>{t("library:title")}</caption>
        <thead>
          <tr>
            <td />
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className={styles[column]}>
                {t(`library:columns.${column}`)}
              </th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <SourceRow
              key={source.source_id}
              source={source}
              isChosen={chosen.has(source.source_id)}
              onChoose={() => {
                onChoose(toggled(chosen, source.source_id));
              }}
              {...on}
            />
          ))}
        </tbody>
      </table>
      {onMore === null ? null : (
        <Button variant="outlined" className={styles.more} onClick={onMore}>
          {t("library:more")}
        </Button>
      )}
    </>
  );
}

function toggled(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}
