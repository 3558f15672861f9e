import { isUnfiltered } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";

/** A line for a terminal that asks the same question and prints its stream. */
export function curlCommand(origin: string, question: string, filters: Filters | null): string {
  const body = {
    message: question,
    ...(filters === null || isUnfiltered(filters) ? {} : { filters }),
  };
  const quoted = JSON.stringify(body).replaceAll("'", String.raw`'\''`);
  return `curl -N -X POST '${origin}/chat' -H 'Content-Type: application/json' -d '${quoted}'`;
}
