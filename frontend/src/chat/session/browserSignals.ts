/** What the browser reports about this tab's network and visibility. */
export type Signal = "online" | "offline" | "visible" | "hidden" | "restored";

export interface BrowserSignals {
  online(): boolean;
  hidden(): boolean;
  /** Calls `listener` for every signal; returns how to stop listening. */
  subscribe(listener: (signal: Signal) => void): () => void;
}

export const browserSignals: BrowserSignals = {
  online: () => navigator.onLine,
  hidden: () => document.visibilityState === "hidden",
  subscribe(listener) {
    const controller = new AbortController();
    const on = (target: EventTarget, type: string, handler: (event: unknown) => void): void => {
      target.addEventListener(type, handler, { signal: controller.signal });
    };
    on(window, "online", () => {
      listener("online");
    });
    on(window, "offline", () => {
      listener("offline");
    });
    on(document, "visibilitychange", () => {
      listener(document.visibilityState === "hidden" ? "hidden" : "visible");
    });
    on(window, "pageshow", (event) => {
      // Out of the back/forward cache: sockets are dead although nothing reported it.
      if ((event as PageTransitionEvent).persisted) listener("restored");
    });
    return () => {
      controller.abort();
    };
  },
};
