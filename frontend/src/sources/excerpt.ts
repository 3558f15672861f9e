import type { Cue, Passage } from "../protocol/api.ts";
import { inUnits, sliceSpans, type Span } from "./structure.ts";
import { lengthOf, unitsOf } from "./units.ts";

/** A stretch of a source's text to show; `lit` is the quoted part, as offsets into `text`. */
export interface Excerpt {
  readonly id: string;
  readonly heading: string | null;
  readonly page: number | null;
  readonly text: string;
  readonly structure: readonly Span[];
  readonly isCited: boolean;
  readonly highlight: readonly [number, number] | null;
}

/** Offsets are those of the server, in characters. */
export interface Quote {
  readonly passageId: string;
  readonly start: number | null;
  readonly end: number | null;
}

/**
 * The cited passage with `around` neighbours on each side. Neighbouring passages overlap in their
 * source; the overlap is cut from the neighbour, so that every character shows once and the
 * quote's offsets stay true. A heading is given where it changes.
 */
export function excerpts(passages: readonly Passage[], quote: Quote, around: number): Excerpt[] {
  const cited = passages.findIndex((passage) => passage.passage_id === quote.passageId);
  const from = cited === -1 ? 0 : Math.max(0, cited - around);
  const to = cited === -1 ? passages.length : cited + around + 1;
  let heading: string | null = null;
  return passages.slice(from, to).map((passage, offset) => {
    const index = from + offset;
    const isCited = index === cited;
    const changed = passage.heading !== heading;
    heading = passage.heading;
    const [start, end] = isCited ? [0, passage.text.length] : withoutOverlap(passages, index, cited);
    return {
      id: passage.passage_id,
      heading: changed ? heading : null,
      page: passage.page,
      text: passage.text.slice(start, end),
      structure: sliceSpans(structureOf(passage), start, end),
      isCited,
      highlight: isCited ? litRange(passage, quote) : null,
    };
  });
}

/** Servers of older versions send no structure. */
function structureOf({ text, structure }: Partial<Passage>): readonly Span[] {
  return inUnits(text ?? "", structure ?? []);
}

/** Where the text begins and ends that no passage nearer to the cited one has. */
function withoutOverlap(
  passages: readonly Passage[],
  index: number,
  cited: number,
): readonly [number, number] {
  const passage = passages[index];
  if (passage === undefined) return [0, 0];
  const { text, char_start: start, char_end: end } = passage;
  const unit = unitsOf(text);
  if (index > cited) {
    const before = passages[index - 1];
    return [before === undefined ? 0 : unit(Math.max(0, before.char_end - start)), text.length];
  }
  const after = passages[index + 1];
  const overlap = after === undefined ? 0 : Math.max(0, end - after.char_start);
  return [0, unit(Math.max(0, lengthOf(text) - overlap))];
}

/** The quote in UTF-16 units; null when it does not fit the passage. */
export function litRange(passage: Passage, quote: Quote): readonly [number, number] | null {
  const { start, end } = quote;
  if (start === null || end === null || start >= end || end > lengthOf(passage.text)) return null;
  const unit = unitsOf(passage.text);
  return [unit(start), unit(end)];
}

/** One line of a transcript. */
export interface Line {
  readonly startS: number;
  readonly endS: number;
  readonly speaker: string | null;
  readonly text: string;
  readonly isHighlighted: boolean;
}

/** Every line of a recording once, in time order; the lines of the quote are lit. */
export function transcript(passages: readonly Passage[], quote: Quote): Line[] {
  const lines = new Map<number, Line>();
  for (const passage of passages) {
    const isCited = passage.passage_id === quote.passageId;
    const range = isCited ? litRange(passage, quote) : null;
    const unit = unitsOf(passage.text);
    for (const written of passage.cues) {
      const cue = { ...written, start: unit(written.start), end: unit(written.end) };
      const isHighlighted = isCited && (range === null || (cue.start < range[1] && cue.end > range[0]));
      if (!isHighlighted && lines.has(cue.start_s)) continue;
      lines.set(cue.start_s, lineOf(passage, cue, isHighlighted));
    }
  }
  return [...lines.values()].toSorted((a, b) => a.startS - b.startS);
}

function lineOf(passage: Passage, cue: Cue, isHighlighted: boolean): Line {
  const said = passage.text.slice(cue.start, cue.end).trim();
  const prefix = `${cue.speaker ?? ""}: `;
  return {
    startS: cue.start_s,
    endS: cue.end_s,
    speaker: cue.speaker,
    text: said.startsWith(prefix) ? said.slice(prefix.length) : said,
    isHighlighted,
  };
}
