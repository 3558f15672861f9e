import type { Conversation } from "../protocol/api.ts";

export type Day = "today" | "yesterday" | "older";

/** A line of the list: the name of a group of days, or a conversation. */
export type Row =
  | { readonly kind: "day"; readonly day: Day }
  | { readonly kind: "conversation"; readonly conversation: Conversation };

/** The conversations, each once, newest first, under the names of the reader's own days. */
export function rowsOf(conversations: readonly Conversation[], now: Date): Row[] {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1).getTime();
  const rows: Row[] = [];
  let last: Day | null = null;
  for (const { conversation, at } of newestFirst(conversations)) {
    const day: Day = at >= today ? "today" : at >= yesterday ? "yesterday" : "older";
    if (day !== last) rows.push({ kind: "day", day });
    last = day;
    rows.push({ kind: "conversation", conversation });
  }
  return rows;
}

function newestFirst(conversations: readonly Conversation[]) {
  const known = new Map(conversations.map((one) => [one.session_id, one]));
  return [...known.values()]
    .map((conversation) => ({ conversation, at: Date.parse(conversation.updated_at) }))
    .sort((a, b) => b.at - a.at);
}

/**
 * What is known of the list when its first page was fetched again: older ones stay, and of the
 * stretch that the page covers only what it holds.
 */
export function withFirstPage(
  known: readonly Conversation[],
  first: { readonly items: readonly Conversation[]; readonly next: string | null },
): Conversation[] {
  const oldest = first.items.at(-1);
  if (first.next === null || oldest === undefined) return [...first.items];
  const fresh = new Set(first.items.map(({ session_id: id }) => id));
  const older = known.filter(
    ({ session_id: id, updated_at: at }) =>
      !fresh.has(id) && Date.parse(at) < Date.parse(oldest.updated_at),
  );
  return [...first.items, ...older];
}
