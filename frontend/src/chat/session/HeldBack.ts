import type { Frame } from "../../protocol/decode.ts";

/** Frames that arrive within this time of each other came in one go. */
const TOGETHER_MS = 30;
const FEW = 5;
/** What came in this much less time than it took to leave the server was held back on the way. */
const HELD_MS = 1_000;
/** So long that once is enough: the whole answer came at its end. */
const WHOLE_MS = 4_000;
const TIMES = 2;

/**
 * Notices that something between server and page gathers the stream. Only for a connection that
 * follows live: what is replayed comes in one go, and rightly so.
 */
export class HeldBack {
  readonly #now: () => number;
  #last = -Infinity;
  #firstLeft = 0;
  #firstCame = 0;
  #count = 0;
  #isCounted = false;
  #times = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True from the frame on that makes it certain. */
  take(frame: Frame): boolean {
    if (frame.event === null) return false;
    const left = Date.parse(frame.event.timestamp);
    const came = this.#now();
    if (came - this.#last > TOGETHER_MS) {
      this.#firstLeft = left;
      this.#firstCame = came;
      this.#count = 0;
      this.#isCounted = false;
    }
    this.#last = came;
    this.#count += 1;
    // A fast model's words come as close together as a lump's do, but no closer than they left.
    const held = left - this.#firstLeft - (came - this.#firstCame);
    if (this.#count < FEW || held < HELD_MS) return false;
    if (!this.#isCounted) this.#times += 1;
    this.#isCounted = true;
    return this.#times >= TIMES || held >= WHOLE_MS;
  }
}
