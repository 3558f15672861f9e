import { useEffect, useId, useRef, useState, type ReactNode } from "react";

interface Props {
  /** The button's content; its accessible name unless `label` is given. */
  readonly trigger: ReactNode;
  readonly label?: string;
  readonly side: "above" | "below";
  readonly buttonClass: string;
  readonly children: ReactNode;
}

/** A panel beside its button. Escape, a click elsewhere or leaving with Tab closes it. */
export function Popover({ trigger, label, side, buttonClass, children }: Props) {
  const [isOpen, setOpen] = useState(false);
  const anchor = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!isOpen) return undefined;
    const closeOutside = (event: Event): void => {
      if (event.target instanceof Node && !anchor.current?.contains(event.target)) setOpen(false);
    };
    const closeOnEscape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", closeOutside);
    document.addEventListener("focusin", closeOutside);
    document.addEventListener("keydown", closeOnEscape, { capture: true });
    return () => {
      document.removeEventListener("pointerdown", closeOutside);
      document.removeEventListener("focusin", closeOutside);
      document.removeEventListener("keydown", closeOnEscape, { capture: true });
    };
  }, [isOpen]);
  return (
    <div className="popover-anchor" ref={anchor}>
      <button
        ref={button}
        type="button"
        className={buttonClass}
        aria-expanded={isOpen}
        aria-controls={id}
        {...(label === undefined ? {} : { "aria-label": label })}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        {trigger}
      </button>
      {isOpen ? (
        <div id={id} className={`popover popover--${side}`}>
          {children}
        </div>
      ) : null}
    </div>
  );
}
