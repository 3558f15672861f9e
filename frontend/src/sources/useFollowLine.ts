import { useEffect, useRef, type RefObject } from "react";

const OURS_PX = 2;

/**
 * Keeps the line that is being said in view, until the reader scrolls it out of view; it goes on
 * when the line is in view again. `scroller` is what scrolls, `line` the element of the line.
 */
export function useFollowLine(
  scroller: RefObject<HTMLElement | null>,
  line: RefObject<HTMLElement | null>,
  playing: number | null,
): { readonly follow: () => void } {
  const follows = useRef(true);
  const lastTop = useRef<number | null>(null);
  useEffect(() => {
    const outer = scroller.current;
    if (outer === null) return undefined;
    const onScroll = (): void => {
      const isOurs = lastTop.current !== null && Math.abs(outer.scrollTop - lastTop.current) < OURS_PX;
      if (!isOurs) follows.current = line.current === null || isWithin(line.current, outer);
    };
    outer.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      outer.removeEventListener("scroll", onScroll);
    };
  }, [scroller, line]);
  useEffect(() => {
    if (playing === null || !follows.current || line.current === null) return;
    line.current.scrollIntoView({ block: "nearest" });
    lastTop.current = scroller.current?.scrollTop ?? null;
  }, [scroller, line, playing]);
  return {
    follow: () => {
      follows.current = true;
    },
  };
}

function isWithin(inner: HTMLElement, outer: HTMLElement): boolean {
  const [line, view] = [inner.getBoundingClientRect(), outer.getBoundingClientRect()];
  return line.bottom > view.top && line.top < view.bottom;
}
