import { lazy, Suspense, useCallback, useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { Passage, PlaceInSource, Source } from "../protocol/api.ts";
import { Button } from "../ui/Button.tsx";
import { cx } from "../ui/cx.ts";
import { DocumentView } from "./DocumentView.tsx";
import { litRange, type Quote } from "./excerpt.ts";
import { RecordingView } from "./RecordingView.tsx";
import { StoredQuote } from "./StoredQuote.tsx";
import note from "../ui/note.module.css";
import styles from "./SourcePanel.module.css";
import text from "../ui/text.module.css";

const PdfView = lazy(() => import("./pdf/PdfView.tsx"));

interface TextProps {
  readonly source: Source;
  readonly passages: readonly Passage[];
  readonly place: PlaceInSource;
  readonly quote: Quote;
}

/** What of a source is shown, in the way of its kind. */
export function SourceContent(props: TextProps) {
  const { passages, place } = props;
  return (
    <>
      <OutdatedNotice passages={passages} place={place} />
      <SourceText key={place.passageId} {...props} />
    </>
  );
}

/** What was quoted is in no passage of the source as it is now. */
function OutdatedNotice({ passages, place }: Pick<TextProps, "passages" | "place">) {
  const t = useT();
  const isThere = passages.some(({ passage_id: id }) => id === place.passageId);
  if (isThere || place.passageId === "" || place.quote == null) return null;
  return <StoredQuote text={t("sources:panel.changed")} quote={place.quote} />;
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
  const t = useT();
  const [view, setView] = useState<"pages" | "text" | "failed">("pages");
  const cited = passages.find((passage) => passage.passage_id === place.passageId);
  const words = cited?.text.slice(...(litRange(cited, quote) ?? [0])) ?? "";
  const onFailed = useCallback(() => {
    setView("failed");
  }, []);
  if (view === "pages") {
    return (
      <Suspense fallback={<p className={text.secondary}>{t("sources:pdf.opening")}</p>}>
        <PdfView
          sourceId={source.source_id}
          page={place.page ?? cited?.page ?? 1}
          quote={words}
          onFailed={onFailed}
        >
          <ViewButton
            name={t("sources:pdf.asText")}
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
        <p className={cx(note.note, note.warning)}>{t("sources:pdf.failed")}</p>
      ) : (
        <ViewButton
          name={t("sources:pdf.page")}
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
