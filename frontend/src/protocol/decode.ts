import type { Event } from "./events.gen.ts";

/** One frame of a run's stream. `event` is null for a type this page does not know. */
export interface Frame {
  readonly id: number;
  readonly event: Event | null;
}

/** The stream broke its own rules: the reader must not guess, it reconnects from its position. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

const KNOWN: Readonly<Record<Event["type"], true>> = {
  run_start: true,
  planning_complete: true,
  retrieval_start: true,
  retrieval_complete: true,
  reranking_start: true,
  reranking_complete: true,
  grading_start: true,
  grading_complete: true,
  rewriting_start: true,
  rewriting_complete: true,
  generation_start: true,
  reasoning_start: true,
  reasoning_delta: true,
  reasoning_complete: true,
  token: true,
  citations: true,
  reset: true,
  done: true,
  error: true,
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The envelope is checked here; the content of a known type is the server's tested promise. */
function isEvent(value: Record<string, unknown>): boolean {
  if (typeof value.type !== "string" || !Object.hasOwn(KNOWN, value.type)) return false;
  return value.type === "token"
    ? typeof value.content === "string"
    : isRecord(value.content);
}

/** Reads an event as sent or as stored; null when this page does not know its type. */
export function decodeEvent(value: unknown): Event | null {
  return isRecord(value) && isEvent(value) ? (value as unknown as Event) : null;
}

/** Reads the `id` and `data` of one server-sent event; throws `ProtocolError` when it is no frame. */
export function decodeFrame(id: string | undefined, data: string): Frame {
  if (id === undefined || !/^\d{1,15}$/.test(id)) {
    throw new ProtocolError("a frame without a position");
  }
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new ProtocolError("a frame that is not JSON", { cause });
  }
  if (!isRecord(value) || typeof value.type !== "string") {
    throw new ProtocolError("a frame without a type");
  }
  return { id: Number(id), event: decodeEvent(value) };
}

/** True for the one event after which nothing follows. */
export function isTerminal(event: Event): event is Extract<Event, { type: "done" | "error" }> {
  return event.type === "done" || event.type === "error";
}
