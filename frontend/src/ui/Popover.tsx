import { Popover as Base } from "@base-ui/react/popover";
import { useId, type ReactElement, type ReactNode } from "react";

import { LANDMARK } from "./landmark.ts";
import styles from "./Popover.module.css";

interface Props {
  /** The button's content; its accessible name unless `label` is given. */
  readonly trigger: ReactNode;
  readonly label?: string;
  readonly side: "above" | "below";
  readonly buttonClass?: string | undefined;
  /** The button, when it is not a plain one. */
  readonly button?: ReactElement;
  readonly children: ReactNode;
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
}

const SIDES = { above: "top", below: "bottom" } as const;

/** A panel beside its button. Escape, a click elsewhere or leaving with Tab closes it. */
export function Popover({ trigger, label, side, buttonClass, button, children, ...state }: Props) {
  const id = useId();
  return (
    <Base.Root {...state}>
      <Base.Trigger
        id={id}
        {...(button === undefined ? {} : { render: button })}
        {...(buttonClass === undefined ? {} : { className: buttonClass })}
        {...(label === undefined ? {} : { "aria-label": label })}
      >
        {trigger}
      </Base.Trigger>
      <Base.Portal container={LANDMARK}>
        <Base.Positioner
          side={SIDES[side]}
          align={side === "above" ? "start" : "end"}
          sideOffset={8}
          collisionPadding={8}
          className={styles.positioner}
        >
          <Base.Popup className={styles.popup} aria-labelledby={id} data-over-page>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
