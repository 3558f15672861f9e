import { useRef, type ReactNode } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { CopyButton } from "../CopyButton.tsx";
import styles from "./Markdown.module.css";

export function CodeBlock({ children }: { readonly children?: ReactNode }) {
  const t = useT();
  const pre = useRef<HTMLPreElement>(null);
  return (
    <div className={styles.code} dir="ltr">
      <pre ref={pre}>{children}</pre>
      <CopyButton text={() => pre.current?.textContent ?? ""}>{t("ui:copyCode")}</CopyButton>
    </div>
  );
}
