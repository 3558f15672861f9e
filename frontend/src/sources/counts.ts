import type { LibraryCounts, Source } from "../protocol/api.ts";

/** How much these are, where the server does not say how much there is in all. */
export function countsOf(sources: readonly Source[]): LibraryCounts {
  const recordings = sources.filter(({ kind }) => kind === "recording").length;
  return {
    documents: sources.length - recordings,
    recordings,
    passages: sources.reduce((sum, { passage_count: passages }) => sum + passages, 0),
  };
}
