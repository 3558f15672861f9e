import { useQuery } from "@tanstack/react-query";

import { api } from "../protocol/client.ts";

/** The library: every source this person may read. */
export function useSources() {
  return useQuery({ queryKey: ["sources"], queryFn: () => api.sources() });
}

/** One source and all its passages, in order. */
export function useSourceText(sourceId: string) {
  return useQuery({
    queryKey: ["sources", sourceId],
    queryFn: async () => {
      const [source, { items }] = await Promise.all([api.source(sourceId), api.passages(sourceId)]);
      return { source, passages: items.toSorted((a, b) => a.position - b.position) };
    },
  });
}
