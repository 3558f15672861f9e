import { useEffect, useState } from "react";

import { useReducedMotion } from "../ui/preferences.ts";
import { Pacer, wordEnd } from "./Pacer.ts";

/**
 * The part of a growing text to show now. What was there at first is shown at once, and so is
 * everything when the text is whole or when nothing should move.
 */
export function useReadingPace(text: string, isGrowing: boolean): string {
  const isCalm = useReducedMotion();
  const [pacer] = useState(() => new Pacer(text.length));
  const [length, setLength] = useState(text.length);
  const isPaced = isGrowing && !isCalm;
  useEffect(() => {
    pacer.grow(text.length, performance.now());
    if (!isPaced) return undefined;
    const tick = (): void => {
      setLength(pacer.shown(performance.now()));
      if (pacer.isBehind) frame = requestAnimationFrame(tick);
    };
    let frame = requestAnimationFrame(tick);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [pacer, text, isPaced]);
  // The cut falls where it fell a frame ago when the text has grown since: never backwards.
  return isPaced ? text.slice(0, wordEnd(text, length)) : text;
}
