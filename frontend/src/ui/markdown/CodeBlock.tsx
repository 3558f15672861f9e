import { useRef, type ReactNode } from "react";

import { CopyButton } from "../CopyButton.tsx";

export function CodeBlock({ children }: { readonly children?: ReactNode }) {
  const pre = useRef<HTMLPreElement>(null);
  return (
    <div className="md-code">
      <pre ref={pre}>{children}</pre>
      <CopyButton text={() => pre.current?.textContent ?? ""}>Copy code</CopyButton>
    </div>
  );
}
