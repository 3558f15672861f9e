import { useEffect, useRef, useState } from "react";

import { useReducedMotion } from "../../ui/preferences.ts";
import { Pacer, wordEnd } from "./Pacer.ts";

const STEP_MS = 30;

/**
 * The part of a growing text to show now. What was there at first is shown at once, and so is
 * everything when the text is whole or when nothing should move.
 */
export function useReadingPace(text: string, isGrowing: boolean): string {
  const isCalm = useReducedMotion();
  const [pacer] = useState(() => new Pacer(text.length));
  const [length, setLength] = useState(text.length);
  const stepped = useRef(0);
  const isPaced = isGrowing && !isCalm;
  useEffect(() => {
    pacer.grow(text.length, performance.now());
    if (!isPaced) return undefined;
    const tick = (): void => {
      const now = performance.now();
      // Each step reads markdown: thirty of them a second are as smooth as text can be read.
      if (now - stepped.current >= STEP_MS || !pacer.isBehind) {
        stepped.current = now;
        setLength(pacer.shown(now));
      }
      if (pacer.isBehind) frame = requestAnimationFrame(tick);
    };
    let frame = requestAnimationFrame(tick);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [pacer, text, isPaced]);
  return isPaced ? text.slice(0, wordEnd(text, length)) : text;
}
