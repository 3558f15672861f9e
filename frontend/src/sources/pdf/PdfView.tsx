import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { sourceFile } from "../../protocol/addresses.ts";
import { IconButton } from "../../ui/Button.tsx";
import { openPdf, type OpenPdf } from "./openPdf.ts";
import styles from "./PdfView.module.css";
import text from "../../ui/text.module.css";

interface Props {
  readonly sourceId: string;
  readonly page: number;
  /** The words to light; the page that has them is shown first. */
  readonly quote: string;
  /** Called when the file cannot be shown. */
  readonly onFailed: () => void;
  /** Stands at the end of the bar. */
  readonly children: ReactNode;
}

/** The pages of a PDF, one at a time, opened at the quote. Its own chunk: pdf.js is large. */
export default function PdfView({ sourceId, page, quote, onFailed, children }: Props) {
  const t = useT();
  const [pdf, setPdf] = useState<OpenPdf | null>(null);
  const [shown, setShown] = useState(page);
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const [isHighlighted, setHighlighted] = useState<boolean | null>(null);
  useEffect(() => {
    let isCurrent = true;
    const opening = openPdf(sourceFile(sourceId));
    const show = async (): Promise<void> => {
      const opened = await opening;
      const at = await opened.locate(page, quote);
      if (!isCurrent) return;
      setShown(at);
      setPdf(opened);
    };
    show().catch(() => {
      if (isCurrent) onFailed();
    });
    return () => {
      isCurrent = false;
      void opening.then((opened) => opened.close()).catch(() => undefined);
    };
  }, [sourceId, page, quote, onFailed]);
  useEffect(() => {
    if (pdf === null || width === 0 || host.current === null) return undefined;
    const abort = new AbortController();
    pdf
      .draw(host.current, { page: shown, width, quote }, abort.signal)
      .then((marks) => {
        if (abort.signal.aborted) return;
        setHighlighted(marks.length > 0);
        marks[0]?.scrollIntoView({ block: "center" });
      })
      .catch(() => {
        if (!abort.signal.aborted) onFailed();
      });
    return () => {
      abort.abort();
    };
  }, [pdf, shown, width, quote, onFailed]);
  return (
    <div className={styles.viewer}>
      <div className={styles.bar}>
        <IconButton
          icon="left"
          label={t("sources:pdf.previous")}
          disabled={pdf === null || shown <= 1}
          onClick={() => {
            setShown(shown - 1);
          }}
        />
        <span aria-live="polite">
          {pdf === null ? t("sources:pdf.opening") : t("sources:pdf.at", { page: shown, pages: pdf.pages })}
        </span>
        <IconButton
          icon="right"
          label={t("sources:pdf.next")}
          disabled={pdf === null || shown >= pdf.pages}
          onClick={() => {
            setShown(shown + 1);
          }}
        />
        {isHighlighted === false && quote !== "" && shown === page ? (
          <span className={text.secondary}>{t("sources:pdf.notFound")}</span>
        ) : null}
        <span className={styles.spacer} />
        {children}
      </div>
      <div className={styles.page} ref={host} />
    </div>
  );
}

/** The element's width in whole pixels, now and whenever it changes; 0 before the first look. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      setWidth(Math.floor(entry?.contentRect.width ?? 0));
    });
    observer.observe(element.current);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return width;
}
