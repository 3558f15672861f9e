import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
  type InfiniteData,
} from "@tanstack/react-query";

import type { Source, SourcePage } from "../protocol/api.ts";
import { api } from "../protocol/client.ts";
import type { View } from "./listing.ts";

const KEY = ["sources"];
const LISTS = [...KEY, "list"];
/** One change after the other: an undone deletion must not overtake the deletion. */
const IN_ORDER = { scope: { id: "sources" }, mutationKey: KEY };

/** The library, page by page; the server searches and sorts. */
export function useLibrary({ query, kind, order }: View) {
  const listing = { q: query.trim(), kind: kind === "all" ? null : kind, order };
  return useInfiniteQuery({
    queryKey: [...LISTS, listing],
    queryFn: ({ pageParam }) => api.sources({ ...listing, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** What can be done to it; a change shows at once, and is taken back if it fails. */
export function useLibraryChanges(onFailed: () => void) {
  const queries = useQueryClient();
  const change = (to: (items: readonly Source[]) => Source[]): void => {
    queries.setQueriesData<InfiniteData<SourcePage>>({ queryKey: LISTS }, (data) =>
      data && {
        ...data,
        pages: data.pages.map((page) => ({ ...page, items: to(page.items) })),
      },
    );
  };
  const onSettled = (): void => {
    // With others on their way the server's list is older than ours; the last one reads it.
    if (queries.isMutating({ mutationKey: KEY }) === 1) void queries.invalidateQueries({ queryKey: KEY });
  };
  const tag = useMutation({
    ...IN_ORDER,
    mutationFn: ({ id, tags }: { id: string; tags: readonly string[] }) =>
      api.changeSource(id, { tags: [...tags] }),
    onMutate: ({ id, tags }) => {
      change((items) => items.map((one) => (one.source_id === id ? { ...one, tags: [...tags] } : one)));
    },
    onError: onFailed,
    onSettled,
  });
  const remove = useMutation({
    ...IN_ORDER,
    mutationFn: (id: string) => api.deleteSource(id),
    onMutate: (id) => {
      change((items) => items.filter((one) => one.source_id !== id));
    },
    onError: onFailed,
    onSettled,
  });
  const restore = useMutation({
    ...IN_ORDER,
    mutationFn: (id: string) => api.restoreSource(id),
    onError: onFailed,
    onSettled,
  });
  return { tag, remove, restore };
}
