import type { Source } from "../protocol/api.ts";

export interface Example {
  readonly question: string;
  readonly hint: string;
}

const ASKED_OF_SAMPLES: readonly (Example & { readonly needs: string })[] = [
  {
    needs: "aripiprazole.md",
    question: "What are the side effects of aripiprazole?",
    hint: "From a fact sheet, every claim cited",
  },
  {
    needs: "outage-review",
    question: "What caused the earth fault in the outage of 14 March?",
    hint: "Its citation plays its second of a recording",
  },
  {
    needs: "aripiprazole.md",
    question: "What is the capital of Mongolia?",
    hint: "Not in the library: see how it declines",
  },
];

/** Questions worth trying on this library: the sample's own, or one for each newest source. */
export function examplesFor(sources: readonly Source[]): Example[] {
  const known = ASKED_OF_SAMPLES.filter(({ needs }) =>
    sources.some(({ name }) => name.includes(needs)),
  );
  if (known.length > 0) return known.map(({ question, hint }) => ({ question, hint }));
  return sources
    .toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))
    .slice(0, 3)
    .map(({ title, kind }) => ({
      question: `What are the main points of “${title}”?`,
      hint: kind === "recording" ? "From a recording" : "From a document",
    }));
}
