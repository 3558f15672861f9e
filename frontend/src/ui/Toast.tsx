import { useEffect, useRef } from "react";
import { createPortal } from "react-dom";

import { Button } from "./Button.tsx";
import styles from "./Toast.module.css";

interface Props {
  readonly text: string;
  readonly action: string;
  readonly onAction: () => void;
  /** Called when its time is over. Give the toast a `key` when its text changes. */
  readonly onGone: () => void;
}

const SHOWN_MS = 12_000;

/** Says what was done, with a while to undo it. */
export function Toast({ text, action, onAction, onGone }: Props) {
  const gone = useRef(onGone);
  useEffect(() => {
    gone.current = onGone;
  });
  useEffect(() => {
    const timer = setTimeout(() => {
      gone.current();
    }, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text]);
  return createPortal(
    <div className={styles.toast} role="status">
      <span>{text}</span>
      <Button onClick={onAction}>{action}</Button>
    </div>,
    document.body,
  );
}
