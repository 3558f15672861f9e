import { NO_FILTERS, type Kind, type Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";

export const ORDERS = ["newest", "title", "longest"] as const;
export type Order = (typeof ORDERS)[number];

/** Which sources are listed, and how. */
export interface View {
  readonly wanted: string;
  readonly kind: Kind | "all";
  readonly order: Order;
}

/** Those with every word of what is wanted in title, name, tags or speakers, in order. */
export function listed(sources: readonly Source[], view: View, language: string): Source[] {
  const words = view.wanted.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const names = new Intl.Collator(language, { numeric: true, sensitivity: "base" });
  const orders: Readonly<Record<Order, (a: Source, b: Source) => number>> = {
    newest: (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at),
    title: (a, b) => names.compare(a.title, b.title),
    longest: (a, b) => b.passage_count - a.passage_count,
  };
  return sources
    .filter(({ kind }) => view.kind === "all" || kind === view.kind)
    .filter((source) => {
      const text = textOf(source);
      return words.every((word) => text.includes(word));
    })
    .toSorted(orders[view.order]);
}

function textOf({ title, name, tags, speakers }: Source): string {
  return [title, name, ...tags, ...speakers].join("\n").toLowerCase();
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
