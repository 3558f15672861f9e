import { useEffect, useRef, useState } from "react";

import { Announcer } from "./announce.ts";
import type { Answer } from "../state/answerReducer.ts";
import text from "../../ui/text.module.css";

/** Tells screen readers what happens, in stages and whole sentences rather than tokens. */
export function LiveRegion({ answer }: { readonly answer: Answer | null }) {
  const [announcer] = useState(() => new Announcer());
  const region = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const text = answer === null ? null : announcer.next(answer);
    if (text !== null && region.current !== null) region.current.textContent = text;
  }, [announcer, answer]);
  return <div ref={region} className={text.visuallyHidden} role="status" aria-live="polite" />;
}
