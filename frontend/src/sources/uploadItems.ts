import type { Upload } from "../protocol/api.ts";
import type { FileEnded, JobEvent } from "../protocol/jobs.gen.ts";

/** One file on its way into the library, a recording together with its transcript. */
export interface UploadItem {
  readonly key: string;
  readonly name: string;
  readonly state: "working" | "ready" | "failed";
  /** What is happening to it; `done` of `total` bytes or passages. */
  readonly step: "waiting" | "sending" | "queued" | "read" | "cut" | "embed" | "store";
  readonly done: number;
  readonly total: number;
  /** What became of it. */
  readonly end: FileEnded | null;
  /** Why it failed: in the server's words, or one of ours. */
  readonly why: { readonly said: string } | "unreachable" | "unknown" | null;
  /** Sending it again may work. */
  readonly canRetry: boolean;
}

/** Files that are sent together; `key` is their item's. */
export interface UploadBatch {
  readonly key: string;
  readonly name: string;
  readonly files: readonly File[];
}

const AUDIO = /\.(mp3|ogg|m4a|wav)$/i;

/** One batch per file, so that a rejected file does not affect the others; audio is sent with its transcript. */
export function batchesOf(files: readonly File[], newKey: () => string): UploadBatch[] {
  const stem = ({ name }: File): string => name.replace(/\.[^.]*$/, "").toLowerCase();
  const sounds = files.filter(({ name }) => AUDIO.test(name));
  const taken = new Set<File>();
  const batches = files.flatMap((file): UploadBatch[] => {
    if (AUDIO.test(file.name)) return [];
    const sound = sounds.find((other) => stem(other) === stem(file) && !taken.has(other));
    if (sound !== undefined) taken.add(sound);
    return [{ key: newKey(), name: file.name, files: sound === undefined ? [file] : [file, sound] }];
  });
  const alone = sounds.filter((sound) => !taken.has(sound));
  return [...batches, ...alone.map((file) => ({ key: newKey(), name: file.name, files: [file] }))];
}

export function waitingItem({ key, name }: UploadBatch): UploadItem {
  return {
    key,
    name,
    state: "working",
    step: "waiting",
    done: 0,
    total: 0,
    end: null,
    why: null,
    canRetry: false,
  };
}

/** What changes when the server has the file. */
export const takenOver = (upload: Upload): Partial<UploadItem> => ({
  step: "queued",
  name: upload.files[0]?.name ?? "",
});

export function failed(why: UploadItem["why"], canRetry: boolean): Partial<UploadItem> {
  return { state: "failed", why, canRetry };
}

/** What an event of its job changes of an item that has not ended yet. */
export function changeBy(event: JobEvent): Partial<UploadItem> {
  switch (event.type) {
    case "done":
      return {};
    case "error": {
      const { message, retryable } = event.content;
      return failed({ said: message }, retryable);
    }
    case "file":
      // A file inside the file: what became of all of them follows at the end.
      return event.content.file_id.includes("/") ? {} : endOf(event.content);
    default: {
      const { stage, done, total } = event.content;
      return { step: stage, done, total };
    }
  }
}

function endOf(end: FileEnded): Partial<UploadItem> {
  if (end.status !== "failed") return { state: "ready", end };
  return { ...failed(end.message === null ? "unknown" : { said: end.message }, false), end };
}

const SHARES = { waiting: 0, sending: 0, queued: 0.1, read: 0.15, cut: 0.25, embed: 0.3, store: 0.95 };

/** How far it is, 0 to 1. Embedding takes most of the time. */
export function progressOf({ state, step, done, total }: UploadItem): number {
  if (state !== "working") return 1;
  const within = step === "embed" && total > 0 ? (0.65 * done) / total : 0;
  return SHARES[step] + within;
}
