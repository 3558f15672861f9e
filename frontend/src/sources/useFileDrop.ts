import { useEffect, useState } from "react";

/** Takes files dropped anywhere on the page; true while some are held over it. */
export function useFileDrop(onFiles: (files: readonly File[]) => Promise<void>): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const controller = new AbortController();
    const on = (type: string, handle: (event: DragEvent) => void): void => {
      const listener = (event: Event): void => {
        if (event instanceof DragEvent && holdsFiles(event)) handle(event);
      };
      window.addEventListener(type, listener, { signal: controller.signal });
    };
    on("dragover", (event) => {
      event.preventDefault(); // else the browser would open the file instead
      setOver(true);
    });
    on("dragleave", (event) => {
      if (event.relatedTarget === null) setOver(false); // left the window
    });
    on("drop", (event) => {
      event.preventDefault();
      setOver(false);
      void onFiles([...(event.dataTransfer?.files ?? [])]);
    });
    return () => {
      controller.abort();
    };
  }, [onFiles]);
  return isOver;
}

function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") === true;
}
