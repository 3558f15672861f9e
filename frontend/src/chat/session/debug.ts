import type { Frame } from "../../protocol/decode.ts";

/** With `localStorage.DEBUG_STREAMING = "true"`: every event, and when the first token came. */
export function frameLogger(): ((frame: Frame) => void) | null {
  if (!enabled()) return null;
  const began = performance.now();
  let tokens = 0;
  return ({ id, event }) => {
    const at = Math.round(performance.now() - began);
    console.debug(`[stream] ${at} ms`, id, event?.type ?? "(unknown type)", event?.content);
    if (event?.type === "token" && tokens++ === 0) {
      console.info(`[stream] first token after ${at} ms`);
    }
  };
}

function enabled(): boolean {
  try {
    return localStorage.getItem("DEBUG_STREAMING") === "true";
  } catch {
    return false; // storage can be forbidden altogether
  }
}
