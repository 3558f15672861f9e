import { useRef } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { LibraryCounts } from "../protocol/api.ts";
import { Button } from "../ui/Button.tsx";
import { count } from "../ui/format.ts";
import { ORDERS, type View } from "./listing.ts";
import field from "../ui/field.module.css";
import styles from "./LibraryBar.module.css";
import text from "../ui/text.module.css";

interface Props {
  readonly counts: LibraryCounts;
  readonly view: View;
  readonly onView: (view: View) => void;
  readonly onFiles: (files: readonly File[]) => Promise<void>;
}

const KINDS = ["all", "document", "recording"] as const;

/** What is here in all, what of it is listed, and where more comes in. */
export function LibraryBar({ counts, view, onView, onFiles }: Props) {
  const t = useT();
  return (
    <header className={styles.bar}>
      <div className={styles.title}>
        <h2 id="library-title">{t("library:title")}</h2>
        <p className={text.secondary}>
          {count(counts.documents + counts.recordings, "source")} · {count(counts.passages, "passage")}
        </p>
        <AddFiles onFiles={onFiles} />
      </div>
      <div className={styles.filters} role="search">
        <input
          type="search"
          className={field.field}
          placeholder={t("library:find")}
          aria-label={t("library:find")}
          maxLength={200}
          value={view.query}
          onChange={({ target }) => {
            onView({ ...view, query: target.value });
          }}
        />
        <select
          className={field.field}
          aria-label={t("library:kind")}
          value={view.kind}
          onChange={({ target }) => {
            const kind = KINDS.find((one) => one === target.value) ?? "all";
            onView({ ...view, kind });
          }}
        >
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t(`library:kinds.${kind}`)}
            </option>
          ))}
        </select>
        <select
          className={field.field}
          aria-label={t("library:order")}
          value={view.order}
          onChange={({ target }) => {
            const order = ORDERS.find((one) => one === target.value) ?? "newest";
            onView({ ...view, order });
          }}
        >
          {ORDERS.map((order) => (
            <option key={order} value={order}>
              {t(`library:orders.${order}`)}
            </option>
          ))}
        </select>
      </div>
    </header>
  );
}

function AddFiles({ onFiles }: Pick<Props, "onFiles">) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button
        variant="primary"
        icon="plus"
        onClick={() => {
          input.current?.click();
        }}
      >
        {t("library:add")}
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t("library:files")}
        onChange={({ target }) => {
          void onFiles([...(target.files ?? [])]);
          target.value = ""; // so that the same file can be chosen again
        }}
      />
    </>
  );
}
