import { useTranslation } from "react-i18next";

import styles from "./ReadingNote.module.css";
import { useReading } from "./useReading.ts";

/** One line while the library is still being read. It goes away by itself. */
export function ReadingNote() {
  const { t } = useTranslation("library");
  const reading = useReading();
  return (
    <div role="status">
      {reading === null ? null : (
        <p className={styles.note}>
          <progress value={reading.done} max={reading.total} aria-hidden="true" />
          <span>{t("reading", { done: reading.done, count: reading.total })}</span>
        </p>
      )}
    </div>
  );
}
