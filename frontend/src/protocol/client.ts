import createClient from "openapi-fetch";

import { path, ROOT_PATH } from "./addresses.ts";
import type {
  AnswerAgainOptions,
  ConversationDetail,
  ConversationPage,
  Feedback,
  Listing,
  MessagePage,
  ModelChoices,
  PendingStop,
  Question,
  Readiness,
  RefusalDetail,
  RunOptions,
  Session,
  Source,
  SourcePage,
  StopReceipt,
  Upload,
} from "./api.ts";
import type { Filters } from "./events.gen.ts";
import type { paths } from "./openapi.gen.ts";
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

async function apiError(response: Response): Promise<ApiError> {
  // A proxy's error page is not JSON: its status is all there is to know.
  const body = (await response.json().catch(() => ({}))) as { error?: Partial<RefusalDetail> };
  const { code, message, details } = body.error ?? {};
  return new ApiError(
    response.status,
    code ?? "http_error",
    message ?? `The server answered with status ${response.status}.`,
    details ?? {},
  );
}

/** What openapi-fetch hands to `fetch`. A `Request` would take no address without an origin. */
class Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly method: string;

  constructor(url: string, init: RequestInit) {
    this.url = url;
    this.init = init;
    this.method = init.method ?? "GET";
  }
}

/** The body of a response that is no error: those were thrown. */
async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/** As a form sends it; what is null or undefined is left out. */
function queryString(query: object): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString();
}

/** What anybody gets. */
const OPEN = /^\/(?:health|auth)\//;

/** The server's routes. Streams come back as the raw response, everything else as typed JSON. */
export class Client {
  readonly #fetch: (route: string, init?: RequestInit) => Promise<Response>;
  readonly #routes;

  /**
   * `onSignedOut` is called with the sign-in method whenever the server requires one, `onServed`
   * after each response that only a signed-in person gets.
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
    this.#routes = createClient<paths>({
      Request: Call as unknown as typeof Request,
      fetch: (call) => {
        const { url, init } = call as unknown as Call;
        return this.#fetch(url, init);
      },
      headers: { Accept: "application/json" },
      querySerializer: queryString,
    });
  }

  ask(question: Question, signal: AbortSignal): Promise<Response> {
    return this.#openRun("/chat", question, signal);
  }

  /** Another answer beside the first, or the rest of a stopped one. */
  answerAgain(
    how: "regenerate" | "continue",
    sessionId: string,
    messageId: string,
    options: AnswerAgainOptions,
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
    return body(
      this.#routes.POST("/runs/{run_id}/stop", {
        params: { path: { run_id: runId } },
        // The stop must arrive even when the page is being closed.
        keepalive: true,
      }),
    );
  }

  /** Newest first; with `search` only those that contain these words. */
  conversations(cursor: string | null = null, search = ""): Promise<ConversationPage> {
    const query = { limit: 100, ...(search === "" ? {} : { q: search }), cursor };
    return body(this.#routes.GET("/conversations", { params: { query } }));
  }

  conversation(sessionId: string): Promise<ConversationDetail> {
    return body(this.#routes.GET("/conversations/{session_id}", inConversation(sessionId)));
  }

  async changeConversation(
    sessionId: string,
    change: { title?: string; filters?: Filters; model?: string },
  ): Promise<void> {
    const params = { path: { session_id: sessionId } };
    await this.#routes.PATCH("/conversations/{session_id}", { params, body: change });
  }

  async deleteConversation(sessionId: string): Promise<void> {
    await this.#routes.DELETE("/conversations/{session_id}", inConversation(sessionId));
  }

  async restoreConversation(sessionId: string): Promise<void> {
    await this.#routes.POST("/conversations/{session_id}/restore", inConversation(sessionId));
  }

  /** Newest first: a long conversation is read from its end. */
  messages(sessionId: string, cursor: string | null = null): Promise<MessagePage> {
    const query = { order: "newest", limit: 60, cursor } as const;
    const params = { path: { session_id: sessionId }, query };
    return body(this.#routes.GET("/conversations/{session_id}/messages", { params }));
  }

  sources({ q, ...listing }: Listing = {}): Promise<SourcePage> {
    const query = q ? { q, ...listing } : listing;
    return body(this.#routes.GET("/sources", { params: { query } }));
  }

  /** How far the library is being read. */
  reading() {
    return body(this.#routes.GET("/jobs"));
  }

  source(sourceId: string): Promise<Source> {
    return body(this.#routes.GET("/sources/{source_id}", ofSource(sourceId)));
  }

  changeSource(sourceId: string, change: { title?: string; tags?: string[] }): Promise<Source> {
    const params = { path: { source_id: sourceId } };
    return body(this.#routes.PATCH("/sources/{source_id}", { params, body: change }));
  }

  async deleteSource(sourceId: string): Promise<void> {
    await this.#routes.DELETE("/sources/{source_id}", ofSource(sourceId));
  }

  /** Undoes a deletion of the last 30 seconds. */
  restoreSource(sourceId: string): Promise<Source> {
    return body(this.#routes.POST("/sources/{source_id}/restore", ofSource(sourceId)));
  }

  /** Questions that this source answers. */
  questions(sourceId: string) {
    return body(this.#routes.GET("/sources/{source_id}/questions", ofSource(sourceId)));
  }

  /** Questions to ask after an answer. */
  followUps(sessionId: string, messageId: string) {
    const params = { path: { session_id: sessionId, message_id: messageId } };
    return body(this.#routes.GET("/conversations/{session_id}/messages/{message_id}/questions", { params }));
  }

  passages(sourceId: string) {
    return body(this.#routes.GET("/sources/{source_id}/passages", ofSource(sourceId)));
  }

  /** Uploads files; the job reports what becomes of them. */
  async upload(files: readonly File[]): Promise<Upload> {
    const body = new FormData();
    for (const file of files) body.append("file", file, file.name);
    const response = await this.#fetch("/sources", { method: "POST", body });
    return (await response.json()) as Upload;
  }

  /** Exchanges a token for a session in a cookie. */
  async signIn(token: string): Promise<void> {
    await this.#routes.POST("/auth/sign-in", { body: { token } });
  }

  session(): Promise<Session> {
    return body(this.#routes.GET("/auth/session"));
  }

  /** Ends the session of the cookie. */
  async signOut(): Promise<void> {
    await this.#routes.POST("/auth/sign-out");
  }

  /** What the reader thinks of an answer; null takes it back. */
  async giveFeedback(
    sessionId: string,
    messageId: string,
    feedback: Feedback | null,
  ): Promise<void> {
    const route = "/conversations/{session_id}/messages/{message_id}/feedback";
    const params = { path: { session_id: sessionId, message_id: messageId } };
    if (feedback === null) await this.#routes.DELETE(route, { params });
    else await this.#routes.PUT(route, { params, body: feedback });
  }

  /** Those that the reader may choose, the default first; with `search` only those with these words. */
  models(search = ""): Promise<ModelChoices> {
    const query = { limit: 100, ...(search === "" ? {} : { q: search }) };
    return body(this.#routes.GET("/api/models", { params: { query } }));
  }

  readiness(): Promise<Readiness> {
    return body(this.#routes.GET("/health/ready"));
  }

  #openRun(route: string, body: RunOptions | AnswerAgainOptions, signal: AbortSignal): Promise<Response> {
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
}

function inConversation(sessionId: string) {
  return { params: { path: { session_id: sessionId } } };
}

function ofSource(sourceId: string) {
  return { params: { path: { source_id: sourceId } } };
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
