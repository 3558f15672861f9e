import { useEffect, useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { cx } from "../ui/cx.ts";
import { Popover } from "../ui/Popover.tsx";
import { labelOf } from "./modelText.ts";
import { ModelOptions } from "./ModelOptions.tsx";
import { useChosenModel } from "./useModels.ts";
import chip from "../ui/chip.module.css";
import styles from "./ModelPicker.module.css";

interface Props {
  /** Null: the default. */
  readonly chosen: string | null;
  /** The choice is this browser's and not yet that of a conversation. */
  readonly isNew: boolean;
  readonly onChange: (name: string) => void;
  readonly onForget: () => void;
}

/** A chip with the model of the next question, and a menu to choose another. */
export function ModelPicker({ chosen, isNew, onChange, onForget }: Props) {
  const t = useT();
  const [isOpen, setOpen] = useState(false);
  const { model, isMissing, list } = useChosenModel(chosen);
  useEffect(() => {
    if (isMissing && isNew) onForget();
  }, [isMissing, isNew, onForget]);
  if (list === undefined || (list.total < 2 && !isMissing)) return null;
  const label = model === null ? (chosen ?? "") : labelOf(model);
  const isAway = isMissing || model?.reachable === false;
  return (
    <Popover
      side="above"
      open={isOpen}
      onOpenChange={setOpen}
      buttonClass={cx(chip.chip, styles.chip, isAway && styles.away)}
      label={t(isMissing ? "models:chipMissing" : "models:chip", { model: label })}
      trigger={
        <span className={chip.label} dir="auto">
          {label}
        </span>
      }
    >
      <ModelOptions
        current={model?.name ?? null}
        as="choice"
        onPick={(name) => {
          onChange(name);
          setOpen(false);
        }}
      />
    </Popover>
  );
}
