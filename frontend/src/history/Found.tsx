import { foundParts } from "./foundParts.ts";

/** A text with the words that were looked for lit. */
export function Found({ text, wanted }: { readonly text: string; readonly wanted: string }) {
  return foundParts(text, wanted).map(({ at, part, isFound }) =>
    isFound ? <mark key={at}>{part}</mark> : part,
  );
}
