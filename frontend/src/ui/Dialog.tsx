import { Dialog as Base } from "@base-ui/react/dialog";
import { useTranslation } from "react-i18next";
import type { ReactNode } from "react";

import { IconButton } from "./Button.tsx";

interface Props {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Something to be settled before going on with the page behind it. Escape closes it. */
export function Dialog({ title, isOpen, onClose, children }: Props) {
  const { t } = useTranslation("ui");
  return (
    <Base.Root
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="dialog-veil" />
        <Base.Popup className="dialog" data-over-page>
          <div className="dialog-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close render={<IconButton icon="close" label={t("close")} />} />
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
