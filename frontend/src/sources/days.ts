import { t } from "../i18n/i18n.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { day } from "../ui/format.ts";

/**
 * Days on which sources were added, such as `2026-11-21`; both are included, and empty means no
 * bound. The server's `before` is the first day that is not included any more.
 */
export interface Days {
  readonly from: string;
  readonly to: string;
}

const DAY_MS = 86_400_000;

function moved(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);
}

export function daysOf({ after, before }: Filters): Days {
  return { from: after ?? "", to: before ? moved(before, -1) : "" };
}

/** `filters` with other days; a range that was turned round becomes the day that was chosen. */
export function withDays(filters: Filters, chosen: Partial<Days>): Filters {
  const { from, to } = { ...daysOf(filters), ...chosen };
  const isTurned = from !== "" && to !== "" && from > to;
  const [first, last] = isTurned ? [chosen.from ?? to, chosen.to ?? from] : [from, to];
  const { source_ids, kinds, tags } = filters;
  return {
    source_ids,
    kinds,
    tags,
    ...(first === "" ? {} : { after: first }),
    ...(last === "" ? {} : { before: moved(last, 1) }),
  };
}

/** The days in words; empty when any will do. */
export function daysLabel(filters: Filters): string {
  const { from, to } = daysOf(filters);
  if (from !== "" && from === to) return t("sources:scope.addedOn", { day: day(from) });
  if (from !== "" && to !== "") return t("sources:scope.added", { from: day(from), to: day(to) });
  if (from !== "") return t("sources:scope.addedSince", { from: day(from) });
  return to === "" ? "" : t("sources:scope.addedUntil", { to: day(to) });
}
