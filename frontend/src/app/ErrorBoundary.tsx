import { Component, type ErrorInfo, type ReactNode } from "react";

import { t } from "../i18n/i18n.ts";
import { Button } from "../ui/Button.tsx";
import styles from "./errorPage.module.css";

interface Props {
  readonly children: ReactNode;
}

/** Keeps a fault in drawing from taking the page along. Answers are safe: they are on the server. */
export class ErrorBoundary extends Component<Props, { readonly broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <div className={styles.page} role="alert">
        <p>{t("app:broken.text")}</p>
        <Button
          variant="outlined"
          icon="redo"
          onClick={() => {
            this.setState({ broken: false });
          }}
        >
          {t("app:broken.again")}
        </Button>
      </div>
    );
  }
}
