import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";

import type { Conversation, ConversationPage } from "../protocol/api.ts";
import { api } from "../protocol/client.ts";
import { withFirstPage } from "./rows.ts";

const KEY = ["conversations"];
const ALL = [...KEY, ""];
/** One change after the other: an undone deletion must not overtake the deletion. */
const IN_ORDER = { scope: { id: "conversations" } };

type Pages = InfiniteData<ConversationPage, string | null>;

/** Conversations page by page; with `query` those in which these words occur. */
export function useConversations(query: string) {
  const list = useInfiniteQuery({
    queryKey: [...KEY, query],
    queryFn: ({ pageParam }) => api.conversations(pageParam, query),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    // What changes is brought in by `refreshList`: fetching every page again would take long.
    staleTime: query === "" ? Infinity : 0,
    refetchOnWindowFocus: false,
  });
  return { list, conversations: list.data?.pages.flatMap((page) => page.items) ?? [] };
}

/** Changes show at once; when the server refuses one, the list is as the server has it. */
export function useConversationChanges(onFailed: () => void) {
  const queries = useQueryClient();
  const onError = (): void => {
    onFailed();
    void queries.invalidateQueries({ queryKey: KEY });
  };
  const rename = useMutation({
    ...IN_ORDER,
    mutationFn: ({ id, title }: { id: string; title: string }) =>
      api.changeConversation(id, { title }),
    onMutate: ({ id, title }) => {
      changeItems(queries, (items) =>
        items.map((one) => (one.session_id === id ? { ...one, title } : one)),
      );
    },
    onError,
  });
  const remove = useMutation({
    ...IN_ORDER,
    mutationFn: (id: string) => api.deleteConversation(id),
    onMutate: (id) => {
      changeItems(queries, (items) => items.filter((one) => one.session_id !== id));
    },
    onError,
  });
  const restore = useMutation({
    ...IN_ORDER,
    mutationFn: (conversation: Conversation) => api.restoreConversation(conversation.session_id),
    onSuccess: (_, conversation) => {
      queries.setQueryData<Pages>(ALL, (data) => data && withMore(data, conversation));
      void queries.invalidateQueries({ queryKey: KEY, predicate: ({ queryKey }) => queryKey[1] !== "" });
    },
    onError,
  });
  return { rename, remove, restore };
}

/** Returns `refreshList` for this page. */
export function useRefreshConversations(): () => void {
  const queries = useQueryClient();
  return () => void refreshList(queries);
}

/** Brings in what changed at the list's top. */
export async function refreshList(queries: QueryClient): Promise<void> {
  const first = await api.conversations().catch(() => null);
  if (first === null) return; // the next change tries again
  queries.setQueryData<Pages>(ALL, (data) => data && withFirst(data, first));
}

function withFirst(data: Pages, first: ConversationPage): Pages {
  const known = data.pages.flatMap((page) => page.items);
  const next = data.pages.at(-1)?.next ?? null;
  const items = withFirstPage(known, first);
  // One page from now on: what follows it is what followed the last one.
  const page = { items, next: data.pages.length > 1 ? next : (first.next ?? null) };
  return { pages: [page], pageParams: [null] };
}

function withMore(data: Pages, conversation: Conversation): Pages {
  const [first, ...others] = data.pages;
  if (first === undefined) return data;
  return { ...data, pages: [{ ...first, items: [conversation, ...first.items] }, ...others] };
}

function changeItems(
  queries: QueryClient,
  change: (items: readonly Conversation[]) => Conversation[],
): void {
  queries.setQueriesData<Pages>({ queryKey: KEY }, (data) =>
    data && { ...data, pages: data.pages.map((page) => ({ ...page, items: change(page.items) })) },
  );
}
