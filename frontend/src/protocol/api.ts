import type { Filters } from "./events.gen.ts";
import type { components, operations } from "./openapi.gen.ts";

type Schemas = components["schemas"];

export type Conversation = Schemas["ListedConversation"];
export type ConversationDetail = Schemas["Conversation"];
export type ConversationPage = Schemas["Page_ListedConversation_"];
export type Cue = Schemas["Cue"];
export type Feedback = Schemas["Feedback"];
export type LibraryCounts = Schemas["LibraryCounts"];
export type Message = Schemas["MessageShape"];
export type MessagePage = Schemas["Page_MessageShape_"];
export type ModelInfo = Schemas["Model"];
export type ModelChoices = Schemas["ModelChoices"];
export type OfferedModel = Schemas["OfferedModel"];
export type Passage = Schemas["Passage"];
export type PendingStop = Schemas["Pending"];
export type Readiness = Schemas["Readiness"];
export type RefusalDetail = Schemas["RefusalDetail"];
export type Session = Schemas["SignedIn"];
export type Source = Schemas["SourceShape"];
export type SourcePage = Schemas["SourcePage"];
export type StopReceipt = Schemas["Receipt"];
export type SuggestedQuestion = Schemas["Suggestion"];
export type Upload = Schemas["UploadShape"];
export type Kind = Source["kind"];

/** Which sources are listed, and how; the server searches and sorts. */
export type Listing = NonNullable<operations["list_sources_sources_get"]["parameters"]["query"]>;

/** What every run of this page asks for: it outlives the connection and has an id we chose. */
export type RunOptions = Schemas["RunOptions"] & {
  readonly on_disconnect: "continue";
  readonly run_id: string;
};

/** How another answer is made; `continue` takes no `keep_passages`. */
export type AnswerAgainOptions = Omit<Schemas["RegenerateBody"], "keep_passages"> &
  RunOptions & { readonly keep_passages?: boolean };

export type Question = Schemas["ChatBody"] & RunOptions & { readonly session_id: string };

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
