import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { Page, Source } from "../protocol/api.ts";
import { api } from "../protocol/client.ts";

const KEY = ["sources"];
/** One change after the other: an undone deletion must not overtake the deletion. */
const IN_ORDER = { scope: { id: "sources" }, mutationKey: KEY };

/** The library, and what can be done to it; a change shows at once, and is taken back if it fails. */
export function useLibrary(onFailed: () => void) {
  const queries = useQueryClient();
  const library = useQuery({ queryKey: KEY, queryFn: () => api.sources() });
  const change = (to: (items: readonly Source[]) => readonly Source[]): void => {
    queries.setQueryData<Page<Source>>(KEY, (data) => data && { ...data, items: to(data.items) });
  };
  const onSettled = (): void => {
    // With others on their way the server's list is older than ours; the last one reads it.
    if (queries.isMutating({ mutationKey: KEY }) === 1) void queries.invalidateQueries({ queryKey: KEY });
  };
  const tag = useMutation({
    ...IN_ORDER,
    mutationFn: ({ id, tags }: { id: string; tags: readonly string[] }) =>
      api.changeSource(id, { tags }),
    onMutate: ({ id, tags }) => {
      change((items) => items.map((one) => (one.source_id === id ? { ...one, tags } : one)));
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
  return { library, tag, remove, restore };
}
