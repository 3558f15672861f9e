import type { ReactNode } from "react";

import { Icon } from "./Icon.tsx";

interface Props {
  readonly summary: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

/** Something that stays folded until the reader asks for it. */
export function Fold({ summary, children, className = "" }: Props) {
  return (
    <details className={`fold ${className}`}>
      <summary>
        <Icon name="fold" />
        {summary}
      </summary>
      {children}
    </details>
  );
}
