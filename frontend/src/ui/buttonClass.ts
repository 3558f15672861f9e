import styles from "./Button.module.css";
import { cx } from "./cx.ts";

export type ButtonVariant = "plain" | "quiet" | "outlined" | "primary";

/** The class of a button; for links and menu triggers that look like one. */
export function buttonClass(variant: ButtonVariant, ...more: readonly (string | undefined)[]): string {
  return cx(styles.button, styles[variant], ...more);
}

/** The class of a button that shows only an icon. */
export function iconButtonClass(
  variant: ButtonVariant,
  ...more: readonly (string | undefined)[]
): string {
  return buttonClass(variant, styles.iconOnly, ...more);
}
