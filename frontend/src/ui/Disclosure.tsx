import type { ReactNode } from "react";

import { cx } from "./cx.ts";
import styles from "./Disclosure.module.css";
import { Icon } from "./Icon.tsx";

interface Props {
  readonly summary: ReactNode;
  readonly children: ReactNode;
  readonly className?: string | undefined;
}

/** Content that is hidden until the reader opens it. */
export function Disclosure({ summary, children, className }: Props) {
  return (
    <details className={cx(styles.disclosure, className)}>
      <summary>
        <Icon name="right" />
        {summary}
      </summary>
      {children}
    </details>
  );
}
