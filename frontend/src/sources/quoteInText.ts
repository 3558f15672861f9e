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

/** Where `wanted`, or at least its longest beginning or end, is in `letters`. */
function find(letters: string, wanted: string): readonly [number, number] | null {
  const whole = letters.indexOf(wanted);
  if (whole !== -1) return [whole, whole + wanted.length];
  const isThere = (length: number): boolean => letters.includes(wanted.slice(0, length));
  const head = longest(wanted.length, isThere);
  const tail = longest(wanted.length, (length) => letters.includes(wanted.slice(-length)));
  const length = Math.max(head, tail);
  if (length < SHORTEST_PART) return null;
  const part = head >= tail ? wanted.slice(0, head) : wanted.slice(-tail);
  const start = letters.indexOf(part);
  return [start, start + length];
}

/** The greatest number below `limit` for which `holds`; it holds for everything smaller too. */
function longest(limit: number, holds: (length: number) => boolean): number {
  let [low, high] = [0, limit];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Where the quote is in the text that `items` make up in order, cut at the items' borders; empty
 * when it is not there. White space, punctuation, hyphens at line ends, case and the way letters
 * are composed do not count. A quote that is only partly there gives the longer of its ends.
 */
export function quoteInText(items: readonly string[], quote: string): Stretch[] {
  const text = skeleton(items);
  const wanted = skeleton([quote]).letters;
  const found = wanted === "" ? null : find(text.letters, wanted);
  if (found === null) return [];
  const stretches = new Map<number, Stretch>();
  for (const { item, offset } of text.from.slice(...found)) {
    const start = stretches.get(item)?.start ?? offset;
    stretches.set(item, { item, start, end: offset + 1 });
  }
  return [...stretches.values()];
}
