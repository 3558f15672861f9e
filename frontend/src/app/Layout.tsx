import { useEffect, useState, type ReactNode } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { IngestProgress } from "../library/IngestProgress.tsx";
import { cx } from "../ui/cx.ts";
import { IconButton } from "../ui/Button.tsx";
import { ModelLabel } from "./ModelLabel.tsx";
import styles from "./Layout.module.css";

interface Props {
  readonly sidebar: (close: () => void) => ReactNode;
  /** A source opened beside the conversation; a sheet over it on narrow screens. */
  readonly panel: ReactNode;
  readonly children: ReactNode;
}

const WIDE = "(min-width: 56rem)";

/** Sidebar, conversation, source panel. On a phone the first and last lie over the second. */
export function Layout({ sidebar, panel, children }: Props) {
  const t = useT();
  const [isOpen, setOpen] = useState(() => window.matchMedia(WIDE).matches);
  const close = (): void => {
    setOpen(false);
  };
  const closeOnPhone = (): void => {
    if (!window.matchMedia(WIDE).matches) close();
  };
  useEffect(() => {
    const wide = window.matchMedia(WIDE);
    const follow = ({ matches }: MediaQueryListEvent): void => {
      setOpen(matches);
    };
    wide.addEventListener("change", follow);
    return () => {
      wide.removeEventListener("change", follow);
    };
  }, []);
  useEffect(() => {
    if (!isOpen || window.matchMedia(WIDE).matches) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      // What lies over the sidebar closes first.
      const isCovered = document.querySelector("[data-over-page]") !== null;
      if (event.key !== "Escape" || isCovered) return;
      event.preventDefault();
      setOpen(false);
    };
    document.addEventListener("keydown", onKey, { capture: true });
    return () => {
      document.removeEventListener("keydown", onKey, { capture: true });
    };
  }, [isOpen]);
  return (
    <div className={cx(styles.layout, isOpen && styles.withSidebar, panel !== null && styles.withPanel)}>
      <div className={styles.sidebar} id="sidebar" inert={!isOpen}>
        {sidebar(closeOnPhone)}
      </div>
      {isOpen ? <button type="button" className={styles.backdrop} aria-label={t("app:layout.closeSidebar")} onClick={close} /> : null}
      <main className={styles.main}>
        <header className={styles.header}>
          <IconButton
            icon="menu"
            label={t(isOpen ? "app:layout.hide" : "app:layout.show")}
            aria-expanded={isOpen}
            aria-controls="sidebar"
            onClick={() => {
              setOpen(!isOpen);
            }}
          />
          <h1 className={styles.brand}>Citestream</h1>
          <ModelLabel />
        </header>
        <IngestProgress />
        <div className={styles.content}>{children}</div>
      </main>
      {panel === null ? null : <div className={styles.panel}>{panel}</div>}
    </div>
  );
}
