import type { Frame } from "../../protocol/decode.ts";

/** Frames that arrive within this time of the previous one belong to the same burst. */
const BURST_GAP_MS = 30;
const MIN_BURST_FRAMES = 5;
/** A burst that arrives this much faster than it was sent was buffered on the way. */
const MIN_DELAY_MS = 1_000;
/** A delay this long is proof on its own: the whole answer arrived at the end. */
const CERTAIN_DELAY_MS = 4_000;
const MIN_BUFFERED_BURSTS = 2;

/**
 * Detects a proxy that buffers the stream. Only for a connection that follows a run live: a replay
 * is sent in one burst by design.
 */
export class BufferingDetector {
  readonly #now: () => number;
  #lastArrival = -Infinity;
  #burstSent = 0;
  #burstArrived = 0;
  #burstFrames = 0;
  #isCounted = false;
  #bufferedBursts = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns true from the first frame that proves buffering. */
  observe(frame: Frame): boolean {
    if (frame.event === null) return false;
    const sent = Date.parse(frame.event.timestamp);
    const arrived = this.#now();
    if (arrived - this.#lastArrival > BURST_GAP_MS) {
      this.#burstSent = sent;
      this.#burstArrived = arrived;
      this.#burstFrames = 0;
      this.#isCounted = false;
    }
    this.#lastArrival = arrived;
    this.#burstFrames += 1;
    // Tokens of a fast model also arrive close together, but no closer than they were sent.
    const delay = sent - this.#burstSent - (arrived - this.#burstArrived);
    if (this.#burstFrames < MIN_BURST_FRAMES || delay < MIN_DELAY_MS) return false;
    if (!this.#isCounted) this.#bufferedBursts += 1;
    this.#isCounted = true;
    return this.#bufferedBursts >= MIN_BUFFERED_BURSTS || delay >= CERTAIN_DELAY_MS;
  }
}
