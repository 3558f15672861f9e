import { useEffect, useMemo, useRef } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { t } from "../i18n/i18n.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import { ApiError } from "../protocol/client.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { clock, count } from "../ui/format.ts";
import { fidelityText } from "./fidelity.ts";
import { StoredQuote } from "./StoredQuote.tsx";
import { useSourceContent } from "./useSourceContent.ts";
import { useSourceText } from "./useSources.ts";
import { cx } from "../ui/cx.ts";
import note from "../ui/note.module.css";
import styles from "./SourcePanel.module.css";

interface Props {
  readonly place: PlaceInSource;
  readonly onClose: () => void;
}

/**
 * A source opened at the cited passage. Escape closes it and focus goes back where it was. The frame
 * comes with the page and takes the focus at once; its content is loaded on demand.
 */
export function SourcePanel({ place, onClose }: Props) {
  const t = useT();
  const text = useSourceText(place.sourceId);
  const code = useSourceContent();
  const { data } = text;
  const failed = [text, code].find((query) => query.isError && query.data === undefined);
  const missing = fidelityText(data?.source.notes);
  const panel = useRef<HTMLElement>(null);
  const quote = useMemo(
    () => ({ passageId: place.passageId, start: place.quoteStart, end: place.quoteEnd }),
    [place],
  );
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the panel closes; an answer that runs behind it goes on
      onClose();
    };
    document.addEventListener("keydown", onKey, { capture: true });
    return () => {
      document.removeEventListener("keydown", onKey, { capture: true });
    };
  }, [onClose]);
  return (
    <aside className={styles.panel} ref={panel} tabIndex={-1} aria-label={t("sources:panel.name")}>
      <header className={styles.header}>
        <div className={styles.title}>
          <h2 dir="auto">{data?.source.title ?? t("sources:panel.name")}</h2>
          {data === undefined ? null : <p>{summary(data.source)}</p>}
          {missing === "" ? null : <p>{missing}</p>}
        </div>
        <IconButton icon="close" label={t("sources:panel.close")} onClick={onClose} />
      </header>
      <div className={styles.body}>
        {failed === undefined ? null : (
          <LoadError error={failed.error} quote={place.quote ?? null} onAgain={() => void failed.refetch()} />
        )}
        {data === undefined || code.data === undefined ? null : (
          <code.data.SourceContent {...data} place={place} quote={quote} />
        )}
      </div>
    </aside>
  );
}

interface LoadErrorProps {
  readonly error: unknown;
  readonly quote: string | null;
  readonly onAgain: () => void;
}

/** The source is gone, and the quote stays; or the server cannot be asked. */
function LoadError({ error, quote, onAgain }: LoadErrorProps) {
  const t = useT();
  const isGone = error instanceof ApiError && error.status === 404;
  if (isGone) {
    const text = t(quote === null ? "sources:panel.goneWithoutQuote" : "sources:panel.gone");
    return <StoredQuote text={text} quote={quote} />;
  }
  return (
    <div className={cx(note.note, note.danger)} role="alert">
      <span>{t("sources:panel.failed")}</span>
      <Button variant="outlined" icon="redo" onClick={onAgain}>
        {t("sources:panel.tryAgain")}
      </Button>
    </div>
  );
}

function summary(source: {
  readonly kind: string;
  readonly pages: number | null;
  readonly duration_s: number | null;
  readonly passage_count: number;
  readonly speakers: readonly string[];
}): string {
  const parts = [
    t(source.kind === "recording" ? "sources:panel.recording" : "sources:panel.document"),
    source.duration_s === null ? "" : clock(source.duration_s),
    source.pages === null ? "" : count(source.pages, "page"),
    source.speakers.length > 0 ? source.speakers.join(", ") : count(source.passage_count, "passage"),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}
