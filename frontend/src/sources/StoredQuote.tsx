import { cx } from "../ui/cx.ts";
import note from "../ui/note.module.css";
import styles from "./SourcePanel.module.css";

interface Props {
  readonly text: string;
  readonly quote: string | null;
}

/** The quote as the answer stored it, and why it is not shown in its source. */
export function StoredQuote({ text, quote }: Props) {
  return (
    <div className={styles.storedQuote} role="status">
      <p className={cx(note.note, note.warning)}>{text}</p>
      {quote === null ? null : <blockquote dir="auto">{quote}</blockquote>}
    </div>
  );
}
