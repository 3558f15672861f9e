import { useLayoutEffect, useRef, useState, type RefObject } from "react";

import type { Turn } from "./turns.ts";

const AT_ONCE = 30;

interface LatestTurns {
  readonly turns: readonly Turn[];
  /** Shows more from before; null when everything is shown. */
  readonly showEarlier: (() => void) | null;
}

/**
 * The end of a conversation. Thousands of answers at once would take seconds to draw; earlier ones
 * come when they are asked for, above what is being read, which does not move.
 */
export function useLatestTurns(
  all: readonly Turn[],
  scroller: RefObject<HTMLElement | null>,
): LatestTurns {
  const [first, setFirst] = useState<number | null>(null);
  const fromEnd = useRef<number | null>(null);
  if (first === null && all.length > 0) setFirst(Math.max(0, all.length - AT_ONCE));
  const start = Math.min(first ?? 0, Math.max(0, all.length - 1));
  useLayoutEffect(() => {
    const outer = scroller.current;
    if (outer === null || fromEnd.current === null) return;
    outer.scrollTo({ top: outer.scrollHeight - fromEnd.current });
    fromEnd.current = null;
  }, [scroller, start]);
  const showEarlier = (): void => {
    const outer = scroller.current;
    if (outer !== null) fromEnd.current = outer.scrollHeight - outer.scrollTop;
    setFirst(Math.max(0, start - AT_ONCE));
  };
  return { turns: all.slice(start), showEarlier: start > 0 ? showEarlier : null };
}
