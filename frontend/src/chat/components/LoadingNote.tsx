import { useTranslation } from "react-i18next";

import { Button } from "../../ui/Button.tsx";
import type { Loading } from "../state/chatState.ts";

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
      return <p className="soft appear-late">{t("loading.wait")}</p>;
    case "missing":
      return <p className="note">{t("loading.missing")}</p>;
    case "signed out":
      return (
        <div className="note" role="alert">
          <span>{t("loading.signedOut")}</span>
          <Button variant="outlined" onClick={onSignIn}>
            {t("outcome.signIn")}
          </Button>
        </div>
      );
    case "failed":
      return (
        <div className="note note--bad" role="alert">
          <span>{t("loading.failed")}</span>
          <Button variant="outlined" icon="redo" onClick={onRetry}>
            {t("loading.retry")}
          </Button>
        </div>
      );
  }
}
