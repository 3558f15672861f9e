/** What stands before every path of this server; the server writes it into the page. */
export const ROOT_PATH =
  document.querySelector<HTMLMetaElement>('meta[name="root-path"]')?.content ?? "";

/** A route of the server; each part is one step of it, whatever it is made of. */
export function path(...parts: string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/** Where a source's playable audio or original file is. */
export function sourceFile(sourceId: string): string {
  return ROOT_PATH + path("sources", sourceId, "file");
}

/** Where a conversation is saved from, as a Markdown file in a language. */
export function conversationFile(sessionId: string, language: string): string {
  return `${ROOT_PATH}${path("conversations", sessionId, "export")}?language=${encodeURIComponent(language)}`;
}

/** Where the events of an upload are. */
export function jobEvents(jobId: string): string {
  return ROOT_PATH + path("jobs", jobId, "events");
}
