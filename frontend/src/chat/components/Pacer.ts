/** Text that arrives is shown over this long: enough to even out what networks do to it. */
const SPREAD_MS = 250;
/** More than this at once is no writing but catching up, and is shown at once. */
const MAX_PACED_JUMP = 1_000;

interface Piece {
  readonly at: number;
  readonly size: number;
}

/**
 * Lets text appear evenly although it arrives in lumps: each piece is shown little by little over
 * the same short time, so that what is shown is never further behind than that. Times are
 * milliseconds, sizes and lengths characters.
 */
export class Pacer {
  #length: number;
  #pieces: Piece[] = [];

  /** `length`: what is shown already. */
  constructor(length: number) {
    this.#length = length;
  }

  /** The text is `length` long now. The first words, and text that was replaced, do not wait. */
  grow(length: number, now: number): void {
    const size = length - this.#length;
    if (size < 0 || this.#length === 0 || size > MAX_PACED_JUMP) this.#pieces = [];
    else if (size > 0) this.#pieces.push({ at: now, size });
    this.#length = length;
  }

  /** How much of the text to show. */
  shown(now: number): number {
    this.#pieces = this.#pieces.filter(({ at }) => now - at < SPREAD_MS);
    const held = this.#pieces.reduce(
      (sum, { at, size }) => sum + size * (1 - Math.max(0, now - at) / SPREAD_MS),
      0,
    );
    return this.#length - Math.ceil(held);
  }

  /** True while something is held back. */
  get isBehind(): boolean {
    return this.#pieces.length > 0;
  }
}

/** The end of the last whole word within `length` characters: half words do not read well. */
export function wordEnd(text: string, length: number): number {
  if (length >= text.length) return text.length;
  for (let end = length; end > Math.max(0, length - 40); end -= 1) {
    if (/\s/.test(text.charAt(end))) return end;
  }
  return length;
}
