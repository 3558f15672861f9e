import { useT } from "../i18n/useLanguage.ts";
import styles from "./IngestProgress.module.css";
import { useIngestProgress } from "./useIngestProgress.ts";

/** One line while the library is still being read. It goes away by itself. */
export function IngestProgress() {
  const t = useT();
  const reading = useIngestProgress();
  return (
    <div role="status">
      {reading === null ? null : (
        <p className={styles.note}>
          <progress value={reading.done} max={reading.total} aria-hidden="true" />
          <span>{t("library:reading", { done: reading.done, count: reading.total })}</span>
        </p>
      )}
    </div>
  );
}
