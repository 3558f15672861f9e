/** `75.2` → `1:15`, `3675` → `1:01:15`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(s).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** Milliseconds in the unit a person would use: `14 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms < 1) return "<1 ms";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `count(1, "passage")` → `1 passage`, otherwise with the plural's s. */
export function count(amount: number, noun: string): string {
  return `${amount.toLocaleString("en")} ${noun}${amount === 1 ? "" : "s"}`;
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
    at.page == null ? null : `page ${at.page}`,
    at.speaker ?? null,
    at.start_s == null ? null : `at ${clock(at.start_s)}`,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}
