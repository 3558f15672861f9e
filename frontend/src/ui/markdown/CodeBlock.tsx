import { useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { CopyButton } from "../CopyButton.tsx";
import styles from "./Markdown.module.css";

export function CodeBlock({ children }: { readonly children?: ReactNode }) {
  const { t } = useTranslation("ui");
  const pre = useRef<HTMLPreElement>(null);
  return (
    <div className={styles.code} dir="ltr">
      <pre ref={pre}>{children}</pre>
      <CopyButton text={() => pre.current?.textContent ?? ""}>{t("copyCode")}</CopyButton>
    </div>
  );
}
