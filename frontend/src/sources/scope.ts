import { t } from "../i18n/i18n.ts";
import { NO_FILTERS, type Kind, type Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { count } from "../ui/format.ts";
import { daysLabel } from "./days.ts";

/** What is searched, in a few words. */
export function scopeLabel(filters: Filters, sources: readonly Source[]): string {
  const parts = [whichLabel(filters, sources), daysLabel(filters)].filter((part) => part !== "");
  return parts.length === 0 ? t("sources:scope.all") : parts.join(" · ");
}

/** True when every source is searched, whatever its day. */
export function isAnySource({ source_ids, kinds, tags }: Filters): boolean {
  return source_ids.length + kinds.length + tags.length === 0;
}

function whichLabel(filters: Filters, sources: readonly Source[]): string {
  const [first, ...others] = filters.source_ids;
  if (first !== undefined) {
    if (others.length > 0) return count(others.length + 1, "source");
    return sources.find((source) => source.source_id === first)?.title ?? t("sources:scope.one");
  }
  const [kind, second] = filters.kinds;
  if (kind !== undefined && second === undefined) {
    return t(kind === "recording" ? "sources:scope.recordings" : "sources:scope.documents");
  }
  return filters.tags.join(", ");
}

/** All sources of these days. */
export function anySource(filters: Filters): Filters {
  return { ...filters, ...NO_FILTERS };
}

/** Only those of one kind, of these days. */
export function onlyKind(filters: Filters, kind: Kind): Filters {
  return { ...anySource(filters), kinds: [kind] };
}

/** The scope with one source more or less; without any it is everything of these days again. */
export function toggleSource(filters: Filters, sourceId: string): Filters {
  const chosen = filters.source_ids.includes(sourceId)
    ? filters.source_ids.filter((id) => id !== sourceId)
    : [...filters.source_ids, sourceId];
  return { ...anySource(filters), source_ids: chosen };
}
