import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { IconButton } from "./Button.tsx";
import styles from "./Dialog.module.css";

interface Props {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Something to be settled before going on with the page behind it. Escape closes it. */
export function Dialog({ title, isOpen, onClose, children }: Props) {
  const t = useT();
  return (
    <Base.Root
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={styles.popup} data-over-page>
          <div className={styles.header}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            <Base.Close render={<IconButton icon="close" label={t("ui:close")} />} />
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
