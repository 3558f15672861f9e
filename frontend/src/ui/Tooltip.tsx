import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";

import { LANDMARK } from "./landmark.ts";
import styles from "./Tooltip.module.css";

interface Props {
  readonly text: string;
  /** The button it belongs to, which has a name of its own. */
  readonly children: ReactElement;
}

const SHOWN_AFTER_MS = 500;

/** A few words beside a button, on hover and on focus. */
export function Tooltip({ text, children }: Props) {
  return (
    <Base.Root>
      <Base.Trigger delay={SHOWN_AFTER_MS} render={children} />
      <Base.Portal container={LANDMARK}>
        <Base.Positioner sideOffset={6} className={styles.positioner}>
          <Base.Popup className={styles.popup}>{text}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
