import type { ButtonHTMLAttributes } from "react";

import { Icon, type IconName } from "./Icon.tsx";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
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

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon: IconName;
  readonly label: string;
  readonly look?: "quiet" | "primary" | "outlined";
}

/** A button that shows only a picture; `label` is its name and its tooltip. */
export function IconButton({ icon, label, look = "quiet", className = "", ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`button button--icon button--${look} ${className}`}
      aria-label={label}
      title={label}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}
