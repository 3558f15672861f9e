import { createParser } from "eventsource-parser";

import { decodeFrame, type Frame } from "./decode.ts";

/**
 * The frames of a response body, in order. `onBytes` is called for every read, also for the
 * heartbeat comments that make no frame. Leaving the loop cancels the body.
 */
export async function* readFrames(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<Frame, void, undefined> {
  const ready: Frame[] = [];
  const parser = createParser({
    onEvent: ({ id, data }) => {
      ready.push(decodeFrame(id, data));
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
    }
  } finally {
    // The connection may be gone already; there is nobody left to tell.
    await reader.cancel().catch(() => undefined);
  }
}
