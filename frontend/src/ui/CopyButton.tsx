import { useState } from "react";

import { Button } from "./Button.tsx";

interface Props {
  readonly text: () => string;
  readonly children: string;
}

const CONFIRMED_MS = 2_000;

/** Copies what `text` returns when pressed, and says whether that worked. */
export function CopyButton({ text, children }: Props) {
  const [said, setSaid] = useState<string | null>(null);
  const copy = async (): Promise<void> => {
    const worked = await writeClipboard(text());
    setSaid(worked ? "Copied" : "Not allowed");
    setTimeout(() => {
      setSaid(null);
    }, CONFIRMED_MS);
  };
  return (
    <Button look="quiet" icon="copy" onClick={() => void copy()}>
      <span aria-live="polite">{said ?? children}</span>
    </Button>
  );
}

/** The clipboard exists only on HTTPS and localhost, and may be forbidden there too. */
async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
