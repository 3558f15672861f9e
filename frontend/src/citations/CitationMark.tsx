import { use, useId, useRef, useState } from "react";
import { createPortal } from "react-dom";

import { LANDMARK } from "../ui/landmark.ts";
import { cx } from "../ui/cx.ts";
import styles from "./CitationMark.module.css";
import { CitationPreview } from "./CitationPreview.tsx";
import { MarksContext, namedMark } from "./marks.ts";

/** `[n]` in the text: shows its passage on hover or focus, opens it on click. Without one: text. */
export function CitationMark({ marker }: { readonly marker: number }) {
  const marks = use(MarksContext);
  const button = useRef<HTMLButtonElement>(null);
  const [near, setNear] = useState<DOMRect | null>(null);
  const id = useId();
  const { info, label, number } = namedMark(marker, marks);
  if (info.verdict === "unknown") return `[${marker}]`;
  const open = (): void => {
    setNear(button.current?.getBoundingClientRect() ?? null);
  };
  const close = (): void => {
    setNear(null);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        data-marker={marker}
        className={cx(styles.mark, styles[info.verdict])}
        aria-label={label}
        aria-describedby={near === null ? undefined : id}
        onMouseEnter={open}
        onMouseLeave={close}
        onFocus={open}
        onBlur={close}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || near === null) return;
          event.stopPropagation();
          close();
        }}
        onClick={() => {
          close();
          if (info.target !== null) marks.onOpen(info.target);
        }}
      >
        {`[${number}]`}
      </button>
      {near === null
        ? null
        : createPortal(
            <CitationPreview id={id} info={info} near={near} />,
            LANDMARK.current,
          )}
    </>
  );
}
