import { useEffect, useRef } from "react";

/** Escape does this while `isActive`, unless something that lies over the page takes the key. */
export function useEscape(isActive: boolean, onEscape: () => void): void {
  const act = useRef(onEscape);
  useEffect(() => {
    act.current = onEscape;
  });
  useEffect(() => {
    if (!isActive) return undefined;
    let isCovered = false;
    const look = (): void => {
      isCovered = document.querySelector("[data-over-page]") !== null;
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented && !isCovered) act.current();
    };
    // Before anybody else sees the key, and after everybody has.
    document.addEventListener("keydown", look, { capture: true });
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", look, { capture: true });
      document.removeEventListener("keydown", onKey);
    };
  }, [isActive]);
}
