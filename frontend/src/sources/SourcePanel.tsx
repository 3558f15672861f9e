import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { t } from "../i18n/i18n.ts";
import type { Passage, PlaceInSource, Source } from "../protocol/api.ts";
import { ApiError } from "../protocol/client.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { clock, count } from "../ui/format.ts";
import { DocumentView } from "./DocumentView.tsx";
import type { Quote } from "./excerpt.ts";
import { RecordingView } from "./RecordingView.tsx";
import { useSourceText } from "./useSources.ts";
import { cx } from "../ui/cx.ts";
import note from "../ui/note.module.css";
import styles from "./SourcePanel.module.css";
import text from "../ui/text.module.css";

const PdfView = lazy(() => import("./pdf/PdfView.tsx"));

interface Props {
  readonly place: PlaceInSource;
  readonly onClose: () => void;
}

/** A source opened at the cited passage. Escape closes it and focus goes back where it was. */
export function SourcePanel({ place, onClose }: Props) {
  const { t } = useTranslation("sources");
  const { data, error, isError, refetch } = useSourceText(place.sourceId);
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
    <aside className={styles.panel} ref={panel} tabIndex={-1} aria-label={t("panel.name")}>
      <header className={styles.header}>
        <div className={styles.title}>
          <h2 dir="auto">{data?.source.title ?? t("panel.name")}</h2>
          {data === undefined ? null : <p>{summary(data.source)}</p>}
        </div>
        <IconButton icon="close" label={t("panel.close")} onClick={onClose} />
      </header>
      <div className={styles.body}>
        {isError && data === undefined ? (
          <LoadError error={error} quote={place.quote ?? null} onAgain={() => void refetch()} />
        ) : null}
        {data === undefined ? null : (
          <>
            <OutdatedNotice passages={data.passages} place={place} />
            <SourceText key={place.passageId} {...data} place={place} quote={quote} />
          </>
        )}
      </div>
    </aside>
  );
}

interface UnreadableProps {
  readonly error: unknown;
  readonly quote: string | null;
  readonly onAgain: () => void;
}

/** The source is gone, and the quote stays; or the server cannot be asked. */
function LoadError({ error, quote, onAgain }: UnreadableProps) {
  const { t } = useTranslation("sources");
  const isGone = error instanceof ApiError && error.status === 404;
  if (isGone) {
    const text = t(quote === null ? "panel.goneWithoutQuote" : "panel.gone");
    return <StoredQuote text={text} quote={quote} />;
  }
  return (
    <div className={cx(note.note, note.danger)} role="alert">
      <span>{t("panel.failed")}</span>
      <Button variant="outlined" icon="redo" onClick={onAgain}>
        {t("panel.tryAgain")}
      </Button>
    </div>
  );
}

/** What was quoted is in no passage of the source as it is now. */
function OutdatedNotice({ passages, place }: Pick<TextProps, "passages" | "place">) {
  const { t } = useTranslation("sources");
  const isThere = passages.some(({ passage_id: id }) => id === place.passageId);
  if (isThere || place.passageId === "" || place.quote == null) return null;
  return <StoredQuote text={t("panel.changed")} quote={place.quote} />;
}

function StoredQuote({ text, quote }: { readonly text: string; readonly quote: string | null }) {
  return (
    <div className={styles.storedQuote} role="status">
      <p className={cx(note.note, note.warning)}>{text}</p>
      {quote === null ? null : <blockquote dir="auto">{quote}</blockquote>}
    </div>
  );
}

interface TextProps {
  readonly source: Source;
  readonly passages: readonly Passage[];
  readonly place: PlaceInSource;
  readonly quote: Quote;
}

function SourceText({ source, passages, place, quote }: TextProps) {
  if (source.kind === "recording") return <RecordingView {...{ source, passages, quote }} />;
  if (source.media_type === "application/pdf") {
    return <PdfText {...{ source, passages, place, quote }} />;
  }
  return <DocumentView passages={passages} quote={quote} />;
}

/** A PDF as its pages; as its text when the reader prefers it, or when the pages cannot be shown. */
function PdfText({ source, passages, place, quote }: TextProps) {
  const { t } = useTranslation("sources");
  const [view, setView] = useState<"pages" | "text" | "failed">("pages");
  const cited = passages.find((passage) => passage.passage_id === place.passageId);
  const words = cited?.text.slice(quote.start ?? 0, quote.end ?? undefined) ?? "";
  const onFailed = useCallback(() => {
    setView("failed");
  }, []);
  if (view === "pages") {
    return (
      <Suspense fallback={<p className={text.secondary}>{t("pdf.opening")}</p>}>
        <PdfView
          sourceId={source.source_id}
          page={place.page ?? cited?.page ?? 1}
          quote={words}
          onFailed={onFailed}
        >
          <ViewButton
            name={t("pdf.asText")}
            onPick={() => {
              setView("text");
            }}
          />
        </PdfView>
      </Suspense>
    );
  }
  return (
    <>
      {view === "failed" ? (
        <p className={cx(note.note, note.warning)}>{t("pdf.failed")}</p>
      ) : (
        <ViewButton
          name={t("pdf.page")}
          onPick={() => {
            setView("pages");
          }}
        />
      )}
      <DocumentView passages={passages} quote={quote} />
    </>
  );
}

function ViewButton({ name, onPick }: { readonly name: string; readonly onPick: () => void }) {
  return (
    <Button variant="outlined" className={styles.viewButton} onClick={onPick}>
      {name}
    </Button>
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
