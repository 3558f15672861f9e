import { useT } from "../../i18n/useLanguage.ts";
import { Button } from "../../ui/Button.tsx";
import field from "../../ui/field.module.css";
import styles from "./QueuedQuestion.module.css";
import text from "../../ui/text.module.css";

interface Props {
  readonly question: string;
  /** True when nothing is running that it could wait for. */
  readonly canSend: boolean;
  readonly onChange: (question: string | null) => void;
  readonly onSend: () => void;
}

/** The next question, waiting for the running answer; it can be edited or dropped. */
export function QueuedQuestion({ question, canSend, onChange, onSend }: Props) {
  const t = useT();
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (canSend) onSend();
      }}
    >
      <label>
        <span className={text.secondary}>{t("chat:queued.label")}</span>
        <input
          className={field.field}
          dir="auto"
          value={question}
          onChange={(event) => {
            onChange(event.target.value);
          }}
        />
      </label>
      {canSend ? (
        <Button variant="outlined" icon="send" type="submit">
          {t("chat:queued.send")}
        </Button>
      ) : null}
      <Button
        variant="quiet"
        icon="close"
        onClick={() => {
          onChange(null);
        }}
      >
        {t("chat:queued.remove")}
      </Button>
    </form>
  );
}
