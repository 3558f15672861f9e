import { isUnfiltered } from "../../protocol/api.ts";
import type { Filters } from "../../protocol/events.gen.ts";

/** A line for a terminal that asks the same question in the same conversation, and streams it. */
export function askAgainByCurl(
  server: string,
  question: string,
  sessionId: string,
  filters: Filters | null,
): string {
  const body = {
    message: question,
    session_id: sessionId,
    ...(filters === null || isUnfiltered(filters) ? {} : { filters }),
  };
  const json = quoted(JSON.stringify(body));
  return `curl -N -X POST ${quoted(`${server}/chat`)} -H 'Content-Type: application/json' -d ${json}`;
}

/** A line for a terminal that plays the stream of this very answer again. */
export function replayByCurl(server: string, runId: string): string {
  return `curl -N ${quoted(`${server}/runs/${encodeURIComponent(runId)}/events`)}`;
}

/** As one word for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
