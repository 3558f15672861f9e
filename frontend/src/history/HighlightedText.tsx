import { highlightParts } from "./highlightParts.ts";

/** A text with the words that were looked for lit. */
export function HighlightedText({ text, query }: { readonly text: string; readonly query: string }) {
  return highlightParts(text, query).map(({ at, part, isFound }) =>
    isFound ? <mark key={at}>{part}</mark> : part,
  );
}
