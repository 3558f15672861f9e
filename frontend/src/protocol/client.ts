import type {
  Conversation,
  ConversationDetail,
  Feedback,
  Listing,
  Message,
  Page,
  Passage,
  PendingStop,
  Question,
  Readiness,
  RunOptions,
  Session,
  Source,
  SourcePage,
  StopReceipt,
  SuggestedQuestion,
  Upload,
} from "./api.ts";
import { path, ROOT_PATH } from "./addresses.ts";
import type { Filters, Reading } from "./events.gen.ts";
import { signIn } from "./signIn.ts";

/** The server refused a request before any stream began. `message` is written for a person. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, details: Record<string, unknown>) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  /** True when nobody is signed in (any more). */
  get isSignIn(): boolean {
    return this.code === "sign_in_required";
  }
}

interface ErrorBody {
  readonly error?: {
    readonly code?: string;
    readonly message?: string;
    readonly details?: Record<string, unknown>;
  };
}

async function apiError(response: Response): Promise<ApiError> {
  // A proxy's error page is not JSON: its status is all there is to know.
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const { code, message, details } = body.error ?? {};
  return new ApiError(
    response.status,
    code ?? "http_error",
    message ?? `The server answered with status ${response.status}.`,
    details ?? {},
  );
}

/** What anybody gets. */
const OPEN = /^\/(?:health|auth)\//;

/** The server's routes. Streams come back as the raw response, everything else as typed JSON. */
export class Client {
  readonly #fetch: (route: string, init?: RequestInit) => Promise<Response>;

  /**
   * `onSignedOut` is told how this server signs people in, each time it asks for that; `onServed`,
   * that it gave something that has an owner.
   */
  constructor(
    fetchFn: typeof fetch = (input, init) => globalThis.fetch(input, init),
    onSignedOut: (auth: unknown) => void = () => undefined,
    onServed: () => void = () => undefined,
  ) {
    this.#fetch = async (route, init) => {
      const response = await fetchFn(ROOT_PATH + route, init);
      if (response.ok) {
        if (!OPEN.test(route)) onServed();
        return response;
      }
      const error = await apiError(response);
      if (error.isSignIn) onSignedOut(error.details.auth);
      throw error;
    };
  }

  ask(question: Question, signal: AbortSignal): Promise<Response> {
    return this.#openRun("/chat", question, signal);
  }

  /** Another answer beside the first, or the rest of a stopped one. */
  answerAgain(
    how: "regenerate" | "continue",
    sessionId: string,
    messageId: string,
    options: RunOptions,
    signal: AbortSignal,
  ): Promise<Response> {
    const route = path("conversations", sessionId, "messages", messageId, how);
    return this.#openRun(route, options, signal);
  }

  /** Follows a run after `position` (0: from its start). 204 when nothing comes after it. */
  follow(runId: string, position: number, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (position > 0) headers["Last-Event-ID"] = String(position);
    return this.#fetch(path("runs", runId, "events"), { headers, signal, cache: "no-store" });
  }

  stop(runId: string): Promise<StopReceipt | PendingStop> {
    // keepalive: the stop must arrive even when the page is being closed.
    return this.#json("POST", path("runs", runId, "stop"), undefined, { keepalive: true });
  }

  /** Newest first; with `wanted` only those in which these words occur. */
  conversations(cursor: string | null = null, wanted = ""): Promise<Page<Conversation>> {
    const query = new URLSearchParams({ limit: "100" });
    if (wanted !== "") query.set("q", wanted);
    if (cursor !== null) query.set("cursor", cursor);
    return this.#json("GET", `/conversations?${query}`);
  }

  conversation(sessionId: string): Promise<ConversationDetail> {
    return this.#json("GET", path("conversations", sessionId));
  }

  async changeConversation(
    sessionId: string,
    change: { title?: string; filters?: Filters },
  ): Promise<void> {
    await this.#json("PATCH", path("conversations", sessionId), change);
  }

  async deleteConversation(sessionId: string): Promise<void> {
    await this.#json("DELETE", path("conversations", sessionId));
  }

  async restoreConversation(sessionId: string): Promise<void> {
    await this.#json("POST", path("conversations", sessionId, "restore"));
  }

  /** Newest first: a long conversation is read from its end. */
  messages(sessionId: string, cursor: string | null = null): Promise<Page<Message>> {
    const query = new URLSearchParams({ order: "newest", limit: "60" });
    if (cursor !== null) query.set("cursor", cursor);
    return this.#json("GET", `${path("conversations", sessionId, "messages")}?${query}`);
  }

  sources(listing: Listing = {}): Promise<SourcePage> {
    const query = new URLSearchParams();
    if (listing.wanted) query.set("q", listing.wanted);
    if (listing.kind) query.set("kind", listing.kind);
    if (listing.order) query.set("order", listing.order);
    if (listing.limit) query.set("limit", `${listing.limit}`);
    if (listing.cursor) query.set("cursor", listing.cursor);
    return this.#json("GET", query.size === 0 ? "/sources" : `/sources?${query}`);
  }

  /** How far the library is being read. */
  reading(): Promise<{ readonly reading: Reading | null }> {
    return this.#json("GET", "/jobs");
  }

  source(sourceId: string): Promise<Source> {
    return this.#json("GET", path("sources", sourceId));
  }

  changeSource(sourceId: string, change: { title?: string; tags?: readonly string[] }) {
    return this.#json<Source>("PATCH", path("sources", sourceId), change);
  }

  async deleteSource(sourceId: string): Promise<void> {
    await this.#json("DELETE", path("sources", sourceId));
  }

  /** Undoes a deletion of the last 30 seconds. */
  restoreSource(sourceId: string): Promise<Source> {
    return this.#json("POST", path("sources", sourceId, "restore"));
  }

  /** Questions that this source answers. */
  questions(sourceId: string): Promise<Page<SuggestedQuestion>> {
    return this.#json("GET", path("sources", sourceId, "questions"));
  }

  passages(sourceId: string): Promise<{ items: readonly Passage[] }> {
    return this.#json("GET", path("sources", sourceId, "passages"));
  }

  /** Hands files over; the job tells what becomes of them. */
  async upload(files: readonly File[]): Promise<Upload> {
    const body = new FormData();
    for (const file of files) body.append("file", file, file.name);
    const response = await this.#fetch("/sources", { method: "POST", body });
    return (await response.json()) as Upload;
  }

  /** Exchanges a token for a session in a cookie. */
  async signIn(token: string): Promise<void> {
    await this.#json("POST", "/auth/sign-in", { token });
  }

  session(): Promise<Session> {
    return this.#json("GET", "/auth/session");
  }

  /** Ends the session of the cookie. */
  async signOut(): Promise<void> {
    await this.#json("POST", "/auth/sign-out");
  }

  /** What the reader thinks of an answer; null takes it back. */
  async giveFeedback(sessionId: string, messageId: string, feedback: Feedback | null): Promise<void> {
    const route = path("conversations", sessionId, "messages", messageId, "feedback");
    if (feedback === null) await this.#json("DELETE", route);
    else await this.#json("PUT", route, feedback);
  }

  readiness(): Promise<Readiness> {
    return this.#json("GET", "/health/ready");
  }

  #openRun(route: string, body: RunOptions, signal: AbortSignal): Promise<Response> {
    return this.#fetch(route, {
      method: "POST",
      headers: {
        Accept: "text/event-stream",
        "Content-Type": "application/json",
        // The same key follows the same run: a lost response may be asked for again.
        "Idempotency-Key": body.run_id,
      },
      body: JSON.stringify(body),
      signal,
      cache: "no-store",
    });
  }

  async #json<T>(method: string, route: string, body?: object, extra?: RequestInit): Promise<T> {
    const response = await this.#fetch(route, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...extra,
    });
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

export const api = new Client(
  undefined,
  (auth) => {
    signIn.require(auth);
  },
  () => {
    signIn.served();
  },
);
