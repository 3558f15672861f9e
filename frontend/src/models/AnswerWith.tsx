import { useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { buttonClass } from "../ui/buttonClass.ts";
import { Icon } from "../ui/Icon.tsx";
import { Popover } from "../ui/Popover.tsx";
import { ModelOptions } from "./ModelOptions.tsx";
import { useModels } from "./useModels.ts";

interface Props {
  /** The model that has answered, or failed. */
  readonly except: string | null;
  readonly hasFailed: boolean;
  readonly onPick: (name: string) => void;
}

/** Offers the other models for a question. */
export function AnswerWith({ except, hasFailed, onPick }: Props) {
  const t = useT();
  const [isOpen, setOpen] = useState(false);
  const { data } = useModels();
  if (data === undefined || data.total < 2) return null;
  return (
    <Popover
      side="above"
      open={isOpen}
      onOpenChange={setOpen}
      buttonClass={buttonClass(hasFailed ? "outlined" : "quiet")}
      trigger={
        <>
          <Icon name="redo" /> {t(hasFailed ? "models:again.failed" : "models:again.button")}
        </>
      }
    >
      <ModelOptions
        current={except}
        as="action"
        onPick={(name) => {
          setOpen(false);
          onPick(name);
        }}
      />
    </Popover>
  );
}
