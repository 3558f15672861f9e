const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * How long to wait before reconnect number `attempt` (0-based): exponential, "full jitter" above a
 * floor of half the step, so that many readers of a restarted server do not return at once.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return step / 2 + (step / 2) * random();
}
