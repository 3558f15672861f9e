import { useTranslation } from "react-i18next";

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
  const { t } = useTranslation("chat");
  switch (loading) {
    case "ready":
      return null;
    case "loading":
      return <p className={cx(text.secondary, styles.delayed)}>{t("loading.wait")}</p>;
    case "missing":
      return <p className={note.note}>{t("loading.missing")}</p>;
    case "signed out":
      return (
        <div className={note.note} role="alert">
          <span>{t("loading.signedOut")}</span>
          <Button variant="outlined" onClick={onSignIn}>
            {t("outcome.signIn")}
          </Button>
        </div>
      );
    case "failed":
      return (
        <div className={cx(note.note, note.danger)} role="alert">
          <span>{t("loading.failed")}</span>
          <Button variant="outlined" icon="redo" onClick={onRetry}>
            {t("loading.retry")}
          </Button>
        </div>
      );
  }
}
