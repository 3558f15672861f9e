import type { ComponentProps } from "react";

import { Icon, type IconName } from "./Icon.tsx";
import { Tooltip } from "./Tooltip.tsx";

interface Props extends ComponentProps<"button"> {
  readonly look?: "plain" | "quiet" | "outlined" | "primary";
  readonly icon?: IconName;
}

export function Button({ look = "plain", icon, className = "", children, ...rest }: Props) {
  return (
    <button type="button" className={`button button--${look} ${className}`} {...rest}>
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  readonly icon: IconName;
  readonly label: string;
  readonly look?: "quiet" | "primary" | "outlined";
}

/** A button that shows only a picture; `label` is its name and its tooltip. */
export function IconButton({ icon, label, look = "quiet", className = "", ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <button
        type="button"
        className={`button button--icon button--${look} ${className}`}
        aria-label={label}
        {...rest}
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  );
}
