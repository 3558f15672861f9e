import type { Upload } from "../protocol/api.ts";
import type { FileEnded, FileStage, JobEvent } from "../protocol/jobs.gen.ts";
import { count } from "../ui/format.ts";

/** One file on its way into the library. */
export interface UploadItem {
  readonly key: string;
  readonly name: string;
  readonly state: "working" | "ready" | "failed";
  /** What is happening, or what became of it, in words. */
  readonly text: string;
}

export function sendingItems(keys: readonly string[], names: readonly string[]): UploadItem[] {
  return names.map((name, index) => ({
    key: keys[index] ?? name,
    name,
    state: "working",
    text: "Sending…",
  }));
}

/** The items that were sent as `upload`, now known by the server's ids. */
export function takenOver(upload: Upload): UploadItem[] {
  return upload.files.map(({ file_id, name }) => ({
    key: file_id,
    name,
    state: "working",
    text: "Waiting…",
  }));
}

export function failed(items: readonly UploadItem[], keys: readonly string[], why: string) {
  return items.map((item): UploadItem =>
    keys.includes(item.key) && item.state === "working"
      ? { ...item, state: "failed", text: why }
      : item,
  );
}

/** The items after an event of the job that has the files `keys`. */
export function applyJobEvent(
  items: readonly UploadItem[],
  keys: readonly string[],
  event: JobEvent,
): readonly UploadItem[] {
  switch (event.type) {
    case "done":
      return items;
    case "error":
      return failed(items, keys, event.content.message);
    case "file":
      return replace(items, event.content.file_id, endOf(event.content));
    default:
      return replace(items, event.content.file_id, { text: stageText(event.content) });
  }
}

function replace(items: readonly UploadItem[], key: string, change: Partial<UploadItem>) {
  return items.map((item) => (item.key === key ? { ...item, ...change } : item));
}

function stageText({ stage, done, total }: FileStage): string {
  switch (stage) {
    case "read":
      return "Reading…";
    case "cut":
      return "Cutting into passages…";
    case "embed":
      return `Indexing ${done} of ${count(total, "passage")}…`;
    case "store":
      return "Storing…";
  }
}

function endOf({ status, passages, same_as: sameAs, message }: FileEnded): Partial<UploadItem> {
  if (status === "failed") return { state: "failed", text: message ?? "It could not be read." };
  if (status === "unchanged") {
    const where = sameAs === null ? "" : ` as ${sameAs}`;
    return { state: "ready", text: `In the library already${where}. Ask about it.` };
  }
  return { state: "ready", text: `Ready: ${count(passages, "passage")}. Ask about it.` };
}
