interface Part {
  readonly at: number;
  readonly part: string;
  readonly isFound: boolean;
}

/** The text cut where words of `query` begin a word in it, whatever their case. */
export function highlightParts(text: string, query: string): Part[] {
  const words = query.match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length === 0) return [{ at: 0, part: text, isFound: false }];
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join("|")})`, "giu");
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push({ at: end, part: text.slice(end, match.index), isFound: false });
    parts.push({ at: match.index, part: match[0], isFound: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ at: end, part: text.slice(end), isFound: false });
  return parts;
}
