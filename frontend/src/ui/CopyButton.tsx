import { useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { Button } from "./Button.tsx";

interface Props {
  readonly text: () => string;
  readonly children: string;
}

const CONFIRMED_MS = 2_000;

/** Copies what `text` returns when pressed, and says whether that worked. */
export function CopyButton({ text, children }: Props) {
  const t = useT();
  const [said, setSaid] = useState<string | null>(null);
  const onClick = async (): Promise<void> => {
    setSaid((await copy(text())) ? t("ui:copied") : t("ui:copyRefused"));
    setTimeout(() => {
      setSaid(null);
    }, CONFIRMED_MS);
  };
  return (
    <Button variant="quiet" icon="copy" onClick={() => void onClick()}>
      <span aria-live="polite">{said ?? children}</span>
    </Button>
  );
}

/** The clipboard exists only on HTTPS and localhost, and may be forbidden there too. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
