import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";

import { api } from "../protocol/client.ts";

const KEY = ["conversations"];

/** All conversations, page by page; `rename`, `remove` and `restore` refresh the list. */
export function useConversations() {
  const queries = useQueryClient();
  const list = useInfiniteQuery({
    queryKey: KEY,
    queryFn: ({ pageParam }) => api.conversations(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const onSettled = () => queries.invalidateQueries({ queryKey: KEY });
  const rename = useMutation({
    mutationFn: ({ id, title }: { id: string; title: string }) =>
      api.changeConversation(id, { title }),
    onSettled,
  });
  const remove = useMutation({ mutationFn: (id: string) => api.deleteConversation(id), onSettled });
  const restore = useMutation({
    mutationFn: (id: string) => api.restoreConversation(id),
    onSettled,
  });
  return { list, rename, remove, restore };
}

/** Returns a function that makes the list fetch itself again. */
export function useRefreshConversations(): () => void {
  const queries = useQueryClient();
  return () => void queries.invalidateQueries({ queryKey: KEY });
}
