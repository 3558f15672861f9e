import { NO_FILTERS, isUnfiltered, type Kind, type Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";

/** What is searched, in a few words. */
export function scopeLabel(filters: Filters, sources: readonly Source[]): string {
  if (isUnfiltered(filters)) return "All sources";
  const [first, ...others] = filters.source_ids;
  if (first !== undefined) {
    if (others.length > 0) return `${others.length + 1} sources`;
    return sources.find((source) => source.source_id === first)?.title ?? "One source";
  }
  const [kind, second] = filters.kinds;
  if (kind !== undefined && second === undefined) {
    return kind === "recording" ? "Recordings only" : "Documents only";
  }
  if (filters.tags.length > 0) return filters.tags.join(", ");
  return daysLabel(filters);
}

/** When the sources were added; in UTC, as the server counts. */
function daysLabel({ after, before }: Filters): string {
  if (after && before) return `Added ${after} up to ${before}`;
  if (after) return `Added since ${after}`;
  return before ? `Added before ${before}` : "";
}

export function onlyKind(kind: Kind): Filters {
  return { ...NO_FILTERS, kinds: [kind] };
}

/** The scope with one source more or less; without any it is everything again. */
export function toggleSource(filters: Filters, sourceId: string): Filters {
  const chosen = filters.source_ids.includes(sourceId)
    ? filters.source_ids.filter((id) => id !== sourceId)
    : [...filters.source_ids, sourceId];
  return { ...NO_FILTERS, source_ids: chosen };
}
