import { useQuery } from "@tanstack/react-query";

import { ApiError, api } from "../protocol/client.ts";

/** The library: every source this person may read. */
export function useSources() {
  return useQuery({ queryKey: ["sources"], queryFn: () => api.sources() });
}

/** At most three questions that a source answers; none while they are not known. */
export function useSuggestedQuestions(sourceId: string | null) {
  const { data } = useQuery({
    queryKey: ["questions", sourceId],
    queryFn: () => api.questions(sourceId ?? ""),
    enabled: sourceId !== null,
    staleTime: Infinity,
  });
  return data?.items ?? [];
}

/** One source and all its passages, in order. */
export function useSourceText(sourceId: string) {
  return useQuery({
    queryKey: ["sources", sourceId],
    // What is gone stays gone: it is said at once.
    retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.status === 404),
    queryFn: async () => {
      const [source, { items }] = await Promise.all([api.source(sourceId), api.passages(sourceId)]);
      return { source, passages: items.toSorted((a, b) => a.position - b.position) };
    },
  });
}
