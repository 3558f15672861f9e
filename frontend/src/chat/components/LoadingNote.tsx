import { useT } from "../../i18n/useLanguage.ts";
import { Button } from "../../ui/Button.tsx";
import type { Loading } from "../state/chatState.ts";
import { cx } from "../../ui/cx.ts";
import note from "../../ui/note.module.css";
import styles from "./LoadingNote.module.css";
import text from "../../ui/text.module.css";

interface Props {
  readonly loading: Loading;
  readonly onRetry: () => void;
  readonly onSignIn: () => void;
}

/** Why there is no conversation on screen (yet), and what helps. */
export function LoadingNote({ loading, onRetry, onSignIn }: Props) {
  const t = useT();
  switch (loading) {
    case "ready":
      return null;
    case "loading":
      return <p className={cx(text.secondary, styles.delayed)}>{t("chat:loading.wait")}</p>;
    case "missing":
      return <p className={note.note}>{t("chat:loading.missing")}</p>;
    case "signed out":
      return (
        <div className={note.note} role="alert">
          <span>{t("chat:loading.signedOut")}</span>
          <Button variant="outlined" onClick={onSignIn}>
            {t("chat:outcome.signIn")}
          </Button>
        </div>
      );
    case "failed":
      return (
        <div className={cx(note.note, note.danger)} role="alert">
          <span>{t("chat:loading.failed")}</span>
          <Button variant="outlined" icon="redo" onClick={onRetry}>
            {t("chat:loading.retry")}
          </Button>
        </div>
      );
  }
}
