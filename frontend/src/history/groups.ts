import type { Conversation } from "../protocol/api.ts";

export interface ConversationGroup {
  readonly name: "Today" | "Yesterday" | "Older";
  readonly items: readonly Conversation[];
}

const NAMES = ["Today", "Yesterday", "Older"] as const;

/** Conversations whose title holds `wanted`, newest first, grouped by the reader's own days. */
export function groupConversations(
  conversations: readonly Conversation[],
  wanted: string,
  now: Date,
): ConversationGroup[] {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  const nameOf = ({ updated_at }: Conversation): ConversationGroup["name"] => {
    const at = new Date(updated_at);
    return at >= today ? "Today" : at >= yesterday ? "Yesterday" : "Older";
  };
  const found = conversations
    .filter(({ title }) => title.toLowerCase().includes(wanted.trim().toLowerCase()))
    .toSorted((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
  return NAMES.map((name) => ({
    name,
    items: found.filter((conversation) => nameOf(conversation) === name),
  })).filter((group) => group.items.length > 0);
}
