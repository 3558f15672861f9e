import type { Citation, ErrorPayload, Filters, DonePayload, Timings, Usage } from "./events.gen.ts";

export type Kind = "document" | "recording";

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

export interface Conversation {
  readonly session_id: string;
  readonly title: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly active_run_id: string | null;
  /** The message that was found by the words looked for. */
  readonly match?: { readonly message_id: string; readonly role: string; readonly text: string } | null;
}

export interface ConversationDetail extends Conversation {
  readonly filters: Filters;
}

/** What the reader thinks of an answer. */
export interface Feedback {
  readonly rating: "up" | "down";
  readonly comment: string;
}

/** A stored question or answer. */
export interface Message {
  readonly message_id: string;
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly status: "streaming" | "complete" | "stopped" | "error";
  readonly finish_reason: DonePayload["finish_reason"] | null;
  readonly citations: readonly Citation[];
  readonly evidence: readonly { readonly type: string; readonly content: unknown }[];
  readonly usage: Usage | null;
  readonly timings: Timings | null;
  readonly error: Pick<ErrorPayload, "code" | "message"> | null;
  readonly run_id: string | null;
  readonly question_id: string | null;
  readonly model: string | null;
  readonly filters: Filters | null;
  readonly feedback: Feedback | null;
  readonly created_at: string;
}

export interface Source {
  readonly source_id: string;
  readonly title: string;
  readonly kind: Kind;
  readonly name: string;
  readonly media_type: string;
  readonly passage_count: number;
  readonly pages: number | null;
  readonly duration_s: number | null;
  readonly tags: readonly string[];
  readonly audio: boolean;
  readonly speakers: readonly string[];
  readonly shared: boolean;
  readonly created_at: string;
  /** Whether it may be changed, and who reads it. */
  readonly mine?: boolean;
  readonly access?: "private" | "groups" | "all";
}

/** A part of the library; how much there is in all comes with the first one. */
export interface SourcePage extends Page<Source> {
  readonly counts?: LibraryCounts | null;
}

export interface LibraryCounts {
  readonly documents: number;
  readonly recordings: number;
  readonly passages: number;
}

/** Which sources are listed, and how; the server searches and sorts. */
export interface Listing {
  readonly wanted?: string;
  readonly kind?: Kind | null;
  readonly order?: "newest" | "title" | "longest";
  readonly limit?: number;
  readonly cursor?: string | null;
}

/** A question that a source answers. */
export interface SuggestedQuestion {
  readonly question: string;
  readonly passage_id: string;
}

/** Files that were taken over and are being read. */
export interface Upload {
  readonly job_id: string;
  readonly files: readonly { readonly file_id: string; readonly name: string }[];
}

/** Characters `start`..`end` of a passage's text were said at `start_s`..`end_s`. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  readonly start_s: number;
  readonly end_s: number;
  readonly speaker: string | null;
}

export interface Passage {
  readonly passage_id: string;
  readonly source_id: string;
  readonly title: string;
  readonly kind: Kind;
  readonly position: number;
  readonly text: string;
  readonly heading: string | null;
  readonly char_start: number;
  readonly char_end: number;
  readonly page: number | null;
  readonly start_s: number | null;
  readonly end_s: number | null;
  readonly speaker: string | null;
  readonly url: string | null;
  readonly cues: readonly Cue[];
}

/** What the server confirms about a stop; milliseconds are null when no model was connected. */
export interface StopReceipt {
  readonly stopped: boolean;
  readonly already: boolean;
  readonly upstream_closed: boolean | null;
  readonly upstream_closed_ms: number | null;
  readonly tokens_kept: number;
  readonly message_id: string | null;
}

export interface PendingStop {
  readonly pending: true;
}

/** Who answers, and where passages are sent (null: nowhere). */
export interface ModelInfo {
  readonly provider: string;
  readonly name: string;
  readonly label: string;
  readonly sends_to: string | null;
  /** Null in quoting mode, and until it has been asked for the first time. */
  readonly reachable?: boolean | null;
  readonly reason?: string | null;
}

/** Who is signed in, and how. */
export interface Session {
  readonly auth: "none" | "token" | "proxy" | "jwt";
  readonly person: string;
}

export interface Readiness {
  readonly model?: ModelInfo;
}

/** What every run of this page asks for: it outlives the connection and has an id we chose. */
export interface RunOptions {
  readonly on_disconnect: "continue";
  readonly run_id: string;
}

export interface Question extends RunOptions {
  readonly message: string;
  readonly session_id: string;
  readonly filters?: Filters;
}

export const NO_FILTERS: Filters = { source_ids: [], kinds: [], tags: [] };

export function isUnfiltered(filters: Filters): boolean {
  const { source_ids, kinds, tags, after, before } = filters;
  return source_ids.length + kinds.length + tags.length === 0 && !after && !before;
}

/** A passage to open, and which of its characters to light up. */
export interface PlaceInSource {
  readonly sourceId: string;
  readonly passageId: string;
  /** Of the quote, counted from 1, when the source has pages. */
  readonly page: number | null;
  readonly quoteStart: number | null;
  readonly quoteEnd: number | null;
  /** The words themselves, for when the source is gone. */
  readonly quote?: string | null;
}
