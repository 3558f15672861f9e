import type { ReactNode } from "react";

import { Icon } from "./Icon.tsx";

interface Props {
  readonly summary: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

/** Content that is hidden until the reader opens it. */
export function Disclosure({ summary, children, className = "" }: Props) {
  return (
    <details className={`fold ${className}`}>
      <summary>
        <Icon name="right" />
        {summary}
      </summary>
      {children}
    </details>
  );
}
