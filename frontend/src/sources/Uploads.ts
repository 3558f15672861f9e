import { ApiError, api, jobEvents } from "../protocol/client.ts";
import { randomId } from "../protocol/ids.ts";
import type { JobEvent } from "../protocol/jobs.gen.ts";
import { applyJobEvent, failed, sendingItems, takenOver, type UploadItem } from "./uploadItems.ts";

/** The files this page is bringing into the library. They go on when the page is left. */
export class Uploads {
  readonly #listeners = new Set<() => void>();
  readonly #onAdded: () => void;
  #items: readonly UploadItem[] = [];

  /** `onAdded` is called whenever a file has arrived in the library. */
  constructor(onAdded: () => void) {
    this.#onAdded = onAdded;
  }

  readonly getSnapshot = (): readonly UploadItem[] => this.#items;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly add = async (files: readonly File[]): Promise<void> => {
    if (files.length === 0) return;
    const keys = files.map(() => randomId());
    this.#set([...this.#items, ...sendingItems(keys, files.map(({ name }) => name))]);
    try {
      const upload = await api.upload(files);
      const others = this.#items.filter(({ key }) => !keys.includes(key));
      this.#set([...others, ...takenOver(upload)]);
      this.#follow(upload.job_id, upload.files.map(({ file_id }) => file_id));
    } catch (error) {
      const why = error instanceof ApiError ? error.message : "The server cannot be reached.";
      this.#set(failed(this.#items, keys, why));
    }
  };

  /** Forgets the files that have ended. */
  readonly clear = (): void => {
    this.#set(this.#items.filter(({ state }) => state === "working"));
  };

  /** The browser reconnects by itself, from the last event it saw. */
  #follow(jobId: string, keys: readonly string[]): void {
    const events = new EventSource(jobEvents(jobId));
    events.onmessage = ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as JobEvent;
      this.#set(applyJobEvent(this.#items, keys, event));
      if (event.type === "file") this.#onAdded();
      if (event.type === "done" || event.type === "error") events.close();
    };
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return;
      this.#set(failed(this.#items, keys, "What became of it is not known; look at the sources."));
    };
  }

  #set(items: readonly UploadItem[]): void {
    this.#items = items;
    for (const listener of this.#listeners) listener();
  }
}
