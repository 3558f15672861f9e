import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Trans } from "react-i18next";

import { useT } from "../i18n/useLanguage.ts";
import { ROOT_PATH } from "../protocol/addresses.ts";
import { api } from "../protocol/client.ts";
import { Button } from "../ui/Button.tsx";
import { cx } from "../ui/cx.ts";
import note from "../ui/note.module.css";
import styles from "./Account.module.css";

/** Who is signed in, and the way out; nothing where nobody signs in. */
export function Account({ onSignOut }: { readonly onSignOut: () => void }) {
  const t = useT();
  const { data } = useQuery({
    queryKey: ["session"],
    queryFn: () => api.session(),
    retry: false,
  });
  const [hasFailed, setFailed] = useState(false);
  if (data === undefined || data.auth === "none") return null;
  const leave = async (): Promise<void> => {
    setFailed(false);
    try {
      await api.signOut();
    } catch {
      setFailed(true);
      return;
    }
    onSignOut();
    // Loaded anew, so that nothing of this person stays in the page's memory either.
    window.location.assign(`${ROOT_PATH}/`);
  };
  return (
    <div className={styles.account}>
      <span>
        <Trans
          i18nKey="app:signIn.as"
          values={{ person: data.person }}
          components={{ b: <b dir="auto" /> }}
        />
      </span>
      {/* Whoever stands in front of the server signs people out, too. */}
      {data.auth === "proxy" ? null : (
        <Button variant="outlined" onClick={() => void leave()}>
          {t("app:signIn.out")}
        </Button>
      )}
      {hasFailed ? (
        <p className={cx(note.note, note.danger)} role="alert">
          {t("app:signIn.unreachable")}
        </p>
      ) : null}
    </div>
  );
}
