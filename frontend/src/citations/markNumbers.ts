import type { Citation, MarkedPassage } from "../protocol/events.gen.ts";

const CODE = /(`{3,}|~{3,})[^]*?(?:\1|$)|(`+)[^]*?\2/g;
const MARK = /(?<!\\)\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()/g;

/** The number that is shown for each marker: 1, 2, 3 … as they first appear in the answer. */
export type MarkNumbers = ReadonlyMap<number, number>;

interface Known {
  readonly passages: readonly MarkedPassage[];
  readonly citations: readonly Citation[];
}

/**
 * Models cite the third passage first and leave out the second: readers see neither gaps nor another
 * beginning. A marker that names no passage has no number; it is text.
 */
export function numberMarks(text: string, { passages, citations }: Known): MarkNumbers {
  const known = new Set(passages.map(({ marker }) => marker));
  for (const { marker, passage_id: passage } of citations) if (passage !== null) known.add(marker);
  const numbers = new Map<number, number>();
  for (const match of text.replace(CODE, "").matchAll(MARK)) {
    for (const marker of (match[1] ?? "").split(",").map(Number)) {
      if (known.has(marker) && !numbers.has(marker)) numbers.set(marker, numbers.size + 1);
    }
  }
  return numbers;
}

/** The numbers of markers that are listed in their order, separated by commas. */
export function numbersInOrder(order: string): MarkNumbers {
  const markers = order === "" ? [] : order.split(",").map(Number);
  return new Map(markers.map((marker, index) => [marker, index + 1]));
}

/** The text with the numbers that are shown; code is kept. */
export function withNumbers(text: string, numbers: MarkNumbers): string {
  const shown = (part: string): string =>
    part.replace(MARK, (whole, listed: string) => {
      const markers = listed.split(",").map(Number);
      if (!markers.every((marker) => numbers.has(marker))) return whole;
      return `[${markers.map((marker) => numbers.get(marker)).join(", ")}]`;
    });
  let end = 0;
  let out = "";
  for (const match of text.matchAll(CODE)) {
    out += shown(text.slice(end, match.index)) + match[0];
    end = match.index + match[0].length;
  }
  return out + shown(text.slice(end));
}
