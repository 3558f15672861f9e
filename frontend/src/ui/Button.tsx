import type { ComponentProps } from "react";

import { buttonClass, iconButtonClass, type ButtonVariant } from "./buttonClass.ts";
import { Icon, type IconName } from "./Icon.tsx";
import { Tooltip } from "./Tooltip.tsx";

interface Props extends ComponentProps<"button"> {
  readonly variant?: ButtonVariant;
  readonly icon?: IconName;
}

export function Button({ variant = "plain", icon, className, children, ...rest }: Props) {
  return (
    <button type="button" className={buttonClass(variant, className)} {...rest}>
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  readonly icon: IconName;
  readonly label: string;
  readonly variant?: ButtonVariant;
}

/** A button that shows only a picture; `label` is its name and its tooltip. */
export function IconButton({ icon, label, variant = "quiet", className, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <button
        type="button"
        className={iconButtonClass(variant, className)}
        aria-label={label}
        {...rest}
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  );
}
