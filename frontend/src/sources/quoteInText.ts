import { valuesOf } from "./structure.ts";

/** Characters `start`..`end` of item number `item`. */
export interface Stretch {
  readonly item: number;
  readonly start: number;
  readonly end: number;
}

/** Letters and digits of a text as a quote is compared by, and where each of them came from. */
interface Skeleton {
  readonly letters: string;
  readonly from: readonly { readonly item: number; readonly offset: number }[];
}

const SHORTEST_PART = 24;

function skeleton(items: readonly string[]): Skeleton {
  let letters = "";
  const from: { item: number; offset: number }[] = [];
  for (const [item, text] of items.entries()) {
    for (const [offset, unit] of text.split("").entries()) {
      // Ligatures fall apart, accents fall off: a page spells them one way, its text another.
      const plain = unit.normalize("NFKD").toLowerCase();
      const kept = plain.replace(/[^\p{L}\p{N}]+/gu, "");
      letters += kept;
      from.push(...kept.split("").map(() => ({ item, offset })));
    }
  }
  return { letters, from };
}

/** Where `query`, or at least its longest beginning or end, is in `letters`. */
function find(letters: string, query: string): readonly [number, number] | null {
  const head = longestStart(letters, query);
  if (head.length === query.length) return [head.end - head.length, head.end];
  const tail = longestStart(reversed(letters), reversed(query));
  if (Math.max(head.length, tail.length) < SHORTEST_PART) return null;
  if (head.length >= tail.length) return [head.end - head.length, head.end];
  const start = letters.length - tail.end;
  return [start, start + tail.length];
}

/**
 * The longest start of `query` that is in `letters`, and where the first of its kind ends
 * (Knuth, Morris, Pratt: each letter is read once, whatever repeats).
 */
function longestStart(letters: string, query: string): { readonly length: number; readonly end: number } {
  const fallback = fallbacks(query);
  let best = { length: 0, end: 0 };
  let length = 0;
  for (let index = 0; index < letters.length && best.length < query.length; index += 1) {
    while (length > 0 && letters[index] !== query[length]) length = fallback[length - 1] ?? 0;
    if (letters[index] === query[length]) length += 1;
    if (length > best.length) best = { length, end: index + 1 };
  }
  return best;
}

/** For each start of `query`, how long its longest end is that is a start of `query` too. */
function fallbacks(query: string): Int32Array {
  const lengths = new Int32Array(query.length);
  let length = 0;
  for (let index = 1; index < query.length; index += 1) {
    while (length > 0 && query[index] !== query[length]) length = lengths[length - 1] ?? 0;
    if (query[index] === query[length]) length += 1;
    lengths[index] = length;
  }
  return lengths;
}

function reversed(text: string): string {
  return text.split("").reverse().join("");
}

/**
 * Where the quote, or else the values of a row whose columns are named in it, is in `items`: the
 * rows of a page name their columns once, above them.
 */
export function quoteInText(items: readonly string[], quote: string): Stretch[] {
  const found = wordsInText(items, quote);
  const values = found.length > 0 ? quote : valuesOf(quote);
  return values === quote ? found : wordsInText(items, values);
}

/**
 * Where the quote is in the text that `items` make up in order, cut at the items' borders; empty
 * when it is not there. White space, punctuation, hyphens at line ends, case and the way letters
 * are composed do not count. A quote that is only partly there gives the longer of its ends.
 */
function wordsInText(items: readonly string[], quote: string): Stretch[] {
  const text = skeleton(items);
  const query = skeleton([quote]).letters;
  const found = query === "" ? null : find(text.letters, query);
  if (found === null) return [];
  const stretches = new Map<number, Stretch>();
  for (const { item, offset } of text.from.slice(...found)) {
    const start = stretches.get(item)?.start ?? offset;
    stretches.set(item, { item, start, end: offset + 1 });
  }
  return [...stretches.values()];
}
