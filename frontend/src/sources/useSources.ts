import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";

import type { Source, SourcePage } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { ApiError, api } from "../protocol/client.ts";
import { scopeLabel } from "./scope.ts";

const NEWEST = ["sources", "newest"];
const MAX_FOUND = 50;

/** The newest sources of the library, and how many there are in all. */
export function useSources() {
  return useQuery({ queryKey: NEWEST, queryFn: () => api.sources() });
}

/** The newest sources with these words; the server looks for them. */
export function useSourceSearch(query: string) {
  const { data } = useQuery({
    queryKey: ["sources", "search", query],
    queryFn: () => api.sources({ q: query, limit: MAX_FOUND }),
    placeholderData: keepPreviousData,
  });
  return data?.items ?? [];
}

/** What is searched, in a few words. */
export function useScopeLabel(filters: Filters): string {
  const [only, another] = filters.source_ids;
  const source = useOneSource(another === undefined ? (only ?? null) : null);
  return scopeLabel(filters, source === undefined ? [] : [source]);
}

function useOneSource(sourceId: string | null): Source | undefined {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: ["sources", sourceId, "label"],
    queryFn: () => api.source(sourceId ?? ""),
    enabled: sourceId !== null,
    retry: isWorthRetrying,
    staleTime: 60_000,
    // Nearly always it is one of those that are known already.
    initialData: () =>
      queries
        .getQueriesData<SourcePage>({ queryKey: ["sources"] })
        .flatMap(([, page]) => page?.items ?? [])
        .find(({ source_id: id }) => id === sourceId),
  });
  return data;
}

/** What is gone stays gone: it is said at once. */
function isWorthRetrying(failures: number, error: Error): boolean {
  return failures < 3 && !(error instanceof ApiError && error.status === 404);
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
    retry: isWorthRetrying,
    queryFn: async () => {
      const [source, { items }] = await Promise.all([api.source(sourceId), api.passages(sourceId)]);
      return { source, passages: items.toSorted((a, b) => a.position - b.position) };
    },
  });
}
