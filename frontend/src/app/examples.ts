import { t } from "../i18n/i18n.ts";
import type { Source } from "../protocol/api.ts";

export interface Example {
  readonly question: string;
  /** What is to be seen with it: a text of `app:example`. */
  readonly hint: "cited" | "declined" | "document" | "played" | "recording";
  /** The sample that it is asked of; null: it could be asked of any source. */
  readonly needs: string | null;
}

const ASKED_OF_SAMPLES: readonly (Example & { readonly needs: string })[] = [
  {
    needs: "aripiprazole.md",
    question: "What are the side effects of aripiprazole?",
    hint: "cited",
  },
  {
    needs: "outage-review",
    question: "What caused the earth fault in the outage of 14 March?",
    hint: "played",
  },
  {
    needs: "aripiprazole.md",
    question: "What is the capital of Mongolia?",
    hint: "declined",
  },
];

/** Whether a source came with the program. */
function isSample({ tags }: Source): boolean {
  return tags.includes("sample");
}

/** The newest source that did not come with the program. */
export function newestOwn(sources: readonly Source[]): Source | null {
  const own = sources.filter((source) => !isSample(source));
  return own.toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))[0] ?? null;
}

/** Questions worth trying on this library: the sample's own, or one for each newest source. */
export function examplesFor(sources: readonly Source[]): Example[] {
  // A file of one's own may have the name of a sample.
  const samples = sources.filter(isSample);
  const known = ASKED_OF_SAMPLES.filter(({ needs }) =>
    samples.some(({ name }) => name.includes(needs)),
  );
  if (known.length > 0) return known;
  return sources
    .toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))
    .slice(0, 3)
    .map(({ title, kind }) => ({
      question: t("app:example.mainPoints", { title }),
      hint: kind,
      needs: null,
    }));
}
