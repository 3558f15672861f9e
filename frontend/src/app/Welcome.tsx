import { use, useRef } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { t } from "../i18n/i18n.ts";
import type { LibraryCounts } from "../protocol/api.ts";
import { countsOf } from "../sources/counts.ts";
import { useSources, useSuggestedQuestions } from "../sources/useSources.ts";
import { count } from "../ui/format.ts";
import { AddFilesContext } from "./addFiles.ts";
import { examplesFor, newestOwn } from "./examples.ts";
import { cx } from "../ui/cx.ts";
import styles from "./Welcome.module.css";
import text from "../ui/text.module.css";

/** The empty conversation: what is here, and questions to try. */
export function Welcome({ onAsk }: { readonly onAsk: (question: string) => void }) {
  const t = useT();
  const { data } = useSources();
  const sources = data?.items ?? [];
  const own = newestOwn(sources);
  const ownQuestions = useSuggestedQuestions(own?.source_id ?? null);
  const isAsked = ownQuestions.length > 0;
  // What a source itself suggests is better than what could be asked of any.
  const examples = examplesFor(sources).filter(({ needs }) => needs !== null || !isAsked);
  return (
    <div className={styles.welcome}>
      <h2>{t("app:welcome.title")}</h2>
      <p className={text.secondary}>{libraryLine(data?.counts ?? countsOf(sources))}</p>
      <ul className={styles.examples}>
        {ownQuestions.map(({ question }) => (
          <Example key={question} question={question} hint={own?.title ?? ""} onAsk={onAsk} />
        ))}
        {examples.map(({ question, hint }) => (
          <Example key={question} question={question} hint={t(`app:example.${hint}`)} onAsk={onAsk} />
        ))}
        <li>
          <OwnFile />
        </li>
      </ul>
    </div>
  );
}

interface ExampleProps {
  readonly question: string;
  readonly hint: string;
  readonly onAsk: (question: string) => void;
}

function Example({ question, hint, onAsk }: ExampleProps) {
  return (
    <li>
      <button
        type="button"
        className={styles.example}
        onClick={() => {
          onAsk(question);
        }}
      >
        <span dir="auto">{question}</span>
        <small  dir="auto">{hint}</small>
      </button>
    </li>
  );
}

/** The card for a file of one's own; files can be dropped anywhere else too. */
function OwnFile() {
  const t = useT();
  const addFiles = use(AddFilesContext);
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className={cx(styles.example, styles.ownFile)}
        onClick={() => {
          input.current?.click();
        }}
      >
        <span>{t("app:drop.title")}</span>
        <small>{t("app:drop.hint")}</small>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t("app:drop.label")}
        onChange={({ target }) => {
          void addFiles([...(target.files ?? [])]);
          target.value = ""; // so that the same file can be chosen again
        }}
      />
    </>
  );
}

function libraryLine({ documents: texts, recordings }: LibraryCounts): string {
  if (texts + recordings === 0) return t("app:welcome.empty");
  const documents = count(texts, "document");
  return recordings === 0
    ? t("app:welcome.documents", { documents })
    : t("app:welcome.documentsAndRecordings", {
        documents,
        recordings: count(recordings, "recording"),
      });
}
