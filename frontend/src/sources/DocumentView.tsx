import { useLayoutEffect, useMemo, useRef, useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { Passage } from "../protocol/api.ts";
import { Button } from "../ui/Button.tsx";
import { excerpts, type Quote } from "./excerpt.ts";
import { StructuredText } from "./StructuredText.tsx";
import { cx } from "../ui/cx.ts";
import styles from "./DocumentView.module.css";

const NEIGHBOURS = 2;

interface Props {
  readonly passages: readonly Passage[];
  readonly quote: Quote;
}

/** The cited passage among its neighbours, the quote lit and in view. */
export function DocumentView({ passages, quote }: Props) {
  const t = useT();
  const [isWhole, setWhole] = useState(false);
  const shown = useMemo(
    () => excerpts(passages, quote, isWhole ? passages.length : NEIGHBOURS),
    [passages, quote, isWhole],
  );
  const cited = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const target = cited.current?.querySelector("mark") ?? cited.current;
    target?.scrollIntoView({ block: "center" });
  }, [shown]);
  return (
    <div className={styles.document}>
      {shown.map((excerpt) => (
        <section
          key={excerpt.id}
          ref={excerpt.isCited ? cited : null}
          className={excerpt.isCited ? cx(styles.excerpt, styles.cited) : styles.excerpt}
          aria-current={excerpt.isCited ? "location" : undefined}
        >
          {excerpt.heading === null ? null : <h3 dir="auto">{excerpt.heading}</h3>}
          {excerpt.page === null ? null : <p className={styles.page}>{t("sources:panel.page", { page: excerpt.page })}</p>}
          <div className={styles.text}>
            <StructuredText {...excerpt} />
          </div>
        </section>
      ))}
      {shown.length < passages.length ? (
        <Button
          variant="outlined"
          onClick={() => {
            setWhole(true);
          }}
        >
          {t("sources:panel.whole")}
        </Button>
      ) : null}
    </div>
  );
}
