import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { Page, Source } from "../protocol/api.ts";
import { api } from "../protocol/client.ts";

const KEY = ["sources"];

/** The library, and what can be done to it; a change shows at once, and is taken back if it fails. */
export function useLibrary(onFailed: () => void) {
  const queries = useQueryClient();
  const library = useQuery({ queryKey: KEY, queryFn: () => api.sources() });
  const change = (to: (items: readonly Source[]) => readonly Source[]): void => {
    queries.setQueryData<Page<Source>>(KEY, (data) => data && { ...data, items: to(data.items) });
  };
  const onSettled = () => queries.invalidateQueries({ queryKey: KEY });
  const tag = useMutation({
    mutationFn: ({ id, tags }: { id: string; tags: readonly string[] }) =>
      api.changeSource(id, { tags }),
    onMutate: ({ id, tags }) => {
      change((items) => items.map((one) => (one.source_id === id ? { ...one, tags } : one)));
    },
    onError: onFailed,
    onSettled,
  });
  const remove = useMutation({
    mutationFn: (id: string) => api.deleteSource(id),
    onMutate: (id) => {
      change((items) => items.filter((one) => one.source_id !== id));
    },
    onError: onFailed,
    onSettled,
  });
  const restore = useMutation({
    mutationFn: (id: string) => api.restoreSource(id),
    onError: onFailed,
    onSettled,
  });
  return { library, tag, remove, restore };
}
