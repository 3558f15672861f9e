import { useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { CopyButton } from "../CopyButton.tsx";

export function CodeBlock({ children }: { readonly children?: ReactNode }) {
  const { t } = useTranslation("ui");
  const pre = useRef<HTMLPreElement>(null);
  return (
    <div className="md-code" dir="ltr">
      <pre ref={pre}>{children}</pre>
      <CopyButton text={() => pre.current?.textContent ?? ""}>{t("copyCode")}</CopyButton>
    </div>
  );
}
