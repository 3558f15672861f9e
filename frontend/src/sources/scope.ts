import { t } from "../i18n/i18n.ts";
import { NO_FILTERS, isUnfiltered, type Kind, type Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { count } from "../ui/format.ts";

/** What is searched, in a few words. */
export function scopeLabel(filters: Filters, sources: readonly Source[]): string {
  if (isUnfiltered(filters)) return t("sources:scope.all");
  const [first, ...others] = filters.source_ids;
  if (first !== undefined) {
    if (others.length > 0) return count(others.length + 1, "source");
    return sources.find((source) => source.source_id === first)?.title ?? t("sources:scope.one");
  }
  const [kind, second] = filters.kinds;
  if (kind !== undefined && second === undefined) {
    return t(kind === "recording" ? "sources:scope.recordings" : "sources:scope.documents");
  }
  if (filters.tags.length > 0) return filters.tags.join(", ");
  return daysLabel(filters);
}

/** When the sources were added; in UTC, as the server counts. */
function daysLabel({ after, before }: Filters): string {
  if (after && before) return t("sources:scope.added", { after, before });
  if (after) return t("sources:scope.addedSince", { after });
  return before ? t("sources:scope.addedBefore", { before }) : "";
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
