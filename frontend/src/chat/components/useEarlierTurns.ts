import { useEffect, useEffectEvent, useLayoutEffect, useRef, type RefObject } from "react";

import type { Turn } from "../state/turns.ts";

/** How far from the top of what is loaded the reader may come before more is fetched. */
const NEAR_PX = 600;

/**
 * Fetches what was said before as the reader scrolls towards it. It comes above what is being read,
 * which does not move. Give the returned ref to what stands in its place until then.
 */
export function useEarlierTurns(
  turns: readonly Turn[],
  scroller: RefObject<HTMLElement | null>,
  load: () => Promise<void>,
): RefObject<HTMLButtonElement | null> {
  const button = useRef<HTMLButtonElement>(null);
  const last = useRef<{ key: string; top: number } | null>(null);
  const first = turns[0]?.key;
  const keepPlace = useEffectEvent((first: string | undefined) => {
    const outer = scroller.current;
    const drawn = outer?.querySelectorAll<HTMLElement>("[data-turn]");
    const known = turns.findIndex(({ key }) => key === last.current?.key);
    const moved = drawn?.[known];
    if (outer !== null && moved !== undefined && last.current !== null) {
      outer.scrollBy({ top: moved.offsetTop - last.current.top, behavior: "instant" });
    }
    last.current = first === undefined ? null : { key: first, top: drawn?.[0]?.offsetTop ?? 0 };
  });
  // Only when something came above: new turns come below.
  useLayoutEffect(() => {
    keepPlace(first);
  }, [first]);
  useEffect(() => {
    const seen = button.current;
    if (seen === null) return undefined;
    const near = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) void load();
      },
      { root: scroller.current, rootMargin: `${NEAR_PX}px 0px` },
    );
    near.observe(seen);
    return () => {
      near.disconnect();
    };
  }, [scroller, load, first]);
  return button;
}
