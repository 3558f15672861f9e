import { language, t } from "../i18n/i18n.ts";

type Noun = "candidate" | "document" | "page" | "passage" | "recording" | "source" | "token";

/** `75.2` → `1:15`, `3675` → `1:01:15`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(s).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** A number as the reader writes it, with at most `digits` after the point. */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
}

/** Milliseconds in the unit a person would use: `14 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms < 1) return "<1 ms";
  return ms < 1000 ? `${number(ms)} ms` : `${fixed(ms / 1000, 1)} s`;
}

/** A number with exactly `digits` after the point. */
export function fixed(value: number, digits: number): string {
  const exactly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language(), exactly).format(value);
}

/** A date without a time, such as `2026-11-21`, as the reader writes it. */
export function day(date: string): string {
  const format = new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeZone: "UTC" });
  return format.format(new Date(date));
}

/** How many of what: `count(1, "passage")` → `1 passage`, otherwise in the plural. */
export function count(amount: number, noun: Noun): string {
  return t(`ui:nouns.${noun}`, { count: amount });
}

/** Where in its source a passage is, in words; empty when only the source is known. */
export function place(at: {
  readonly page?: number | null;
  readonly start_s?: number | null;
  readonly heading?: string | null;
  readonly speaker?: string | null;
}): string {
  const parts = [
    at.heading ?? null,
    at.page == null ? null : t("ui:place.page", { page: at.page }),
    at.speaker ?? null,
    at.start_s == null ? null : t("ui:place.at", { time: clock(at.start_s) }),
  ];
  return parts.filter((part) => part !== null).join(" · ");
}
