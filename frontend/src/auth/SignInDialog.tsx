import { useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { api, ApiError } from "../protocol/client.ts";
import { signIn, type Auth } from "../protocol/signIn.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { cx } from "../ui/cx.ts";
import field from "../ui/field.module.css";
import note from "../ui/note.module.css";
import styles from "./SignInDialog.module.css";
import text from "../ui/text.module.css";

interface Props {
  readonly auth: Auth;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Where somebody signs in. The page behind it stays as it is: text, answers and all. */
export default function SignInDialog({ auth, isOpen, onClose }: Props) {
  const t = useT();
  return (
    <Dialog title={t("app:signIn.title")} isOpen={isOpen} onClose={onClose}>
      {auth === "proxy" ? <Reload /> : <TokenForm onDone={onClose} />}
    </Dialog>
  );
}

function Reload() {
  const t = useT();
  return (
    <>
      <p>{t("app:signIn.elsewhere")}</p>
      <Button
        variant="primary"
        onClick={() => {
          window.location.reload();
        }}
      >
        {t("app:signIn.reload")}
      </Button>
    </>
  );
}

function TokenForm({ onDone }: { readonly onDone: () => void }) {
  const t = useT();
  const [problem, setProblem] = useState<"refused" | "unreachable" | null>(null);
  const exchange = async (token: string): Promise<void> => {
    try {
      await api.signIn(token);
      onDone();
      signIn.done();
    } catch (error) {
      setProblem(error instanceof ApiError ? "refused" : "unreachable");
    }
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        const token = new FormData(event.currentTarget).get("token");
        if (typeof token === "string" && token.trim() !== "") void exchange(token.trim());
      }}
    >
      <label>
        {t("app:signIn.token")}
        <input
          className={field.field}
          name="token"
          type="password"
          autoComplete="current-password"
          required
        />
      </label>
      <p className={text.secondary}>{t("app:signIn.tokenHint")}</p>
      {problem === null ? null : (
        <p className={cx(note.note, note.danger)} role="alert">
          {t(`app:signIn.${problem}`)}
        </p>
      )}
      <Button variant="primary" type="submit">
        {t("app:signIn.button")}
      </Button>
    </form>
  );
}
