/** An address on this server; each part is one step of it, whatever it is made of. */
export function path(...parts: string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/** Where a source's playable audio or original file is. */
export function sourceFile(sourceId: string): string {
  return path("sources", sourceId, "file");
}

/** Where a conversation is saved from, as a Markdown file in a language. */
export function conversationFile(sessionId: string, language: string): string {
  return `${path("conversations", sessionId, "export")}?language=${encodeURIComponent(language)}`;
}

/** Where the events of an upload are. */
export function jobEvents(jobId: string): string {
  return path("jobs", jobId, "events");
}
