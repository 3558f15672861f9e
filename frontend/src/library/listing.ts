import { NO_FILTERS, type Kind } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";

export const ORDERS = ["newest", "title", "longest"] as const;
export type Order = (typeof ORDERS)[number];

/** What the reader looks for. */
export interface View {
  readonly query: string;
  readonly kind: Kind | "all";
  readonly order: Order;
}

/** The scope that searches just these. */
export function scopeOf(sourceIds: Iterable<string>): Filters {
  return { ...NO_FILTERS, source_ids: [...sourceIds] };
}

/** `a, b,, a` → `["a", "b"]`. */
export function tagsIn(text: string): string[] {
  const tags = text.split(",").map((tag) => tag.trim());
  return [...new Set(tags)].filter((tag) => tag !== "");
}
