import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

const AT_END_PX = 48;

export interface FollowScroll {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  /** An answer has grown below and the reader has not been there since. */
  readonly isBehind: boolean;
  readonly toEnd: () => void;
}

/**
 * Keeps the newest text in view until the reader scrolls up, and again once back at the end. While
 * there is no text (`isEmpty`) the page begins at its top.
 */
export function useFollowScroll(isEmpty: boolean, isAnswering: boolean): FollowScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const rests = useRef(isEmpty);
  const grows = useRef(isAnswering);
  useLayoutEffect(() => {
    rests.current = isEmpty;
    grows.current = isAnswering;
  }, [isEmpty, isAnswering]);
  const [isBehind, setBehind] = useState(false);
  useEffect(() => {
    const outer = scroller.current;
    const inner = content.current;
    if (outer === null || inner === null) return undefined;
    let lastTop = outer.scrollTop;
    const isAtEnd = (): boolean =>
      outer.scrollHeight - outer.scrollTop - outer.clientHeight < AT_END_PX;
    const onScroll = (): void => {
      // We only ever scroll down: going up is the reader's doing.
      if (isAtEnd()) follows.current = true;
      else if (outer.scrollTop < lastTop) follows.current = false;
      lastTop = outer.scrollTop;
      if (follows.current) setBehind(false);
    };
    const grown = new ResizeObserver(() => {
      if (rests.current) return;
      if (follows.current) outer.scrollTop = outer.scrollHeight;
      else if (isAtEnd()) setBehind(false);
      else if (grows.current) setBehind(true);
    });
    outer.addEventListener("scroll", onScroll, { passive: true });
    grown.observe(inner);
    return () => {
      outer.removeEventListener("scroll", onScroll);
      grown.disconnect();
    };
  }, []);
  const toEnd = useCallback(() => {
    follows.current = true;
    setBehind(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, []);
  return { scroller, content, isBehind, toEnd };
}
