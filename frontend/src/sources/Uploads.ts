import { jobEvents } from "../protocol/addresses.ts";
import { ApiError, api } from "../protocol/client.ts";
import type { Upload } from "../protocol/api.ts";
import { randomId } from "../protocol/ids.ts";
import type { JobEvent } from "../protocol/jobs.gen.ts";
import {
  changeBy,
  failed,
  batchesOf,
  takenOver,
  waitingItem,
  type UploadBatch,
  type UploadItem,
} from "./uploadItems.ts";

/** A browser opens six connections to a server: these leave enough for the page itself. */
const MAX_CONCURRENT_UPLOADS = 2;

/** How the page reaches the server; tests have one of their own. */
export interface UploadServer {
  readonly send: (files: readonly File[]) => Promise<Upload>;
  /** Calls `onEvent` until the job has ended; rejects when that cannot be learnt. */
  readonly follow: (jobId: string, onEvent: (event: JobEvent) => void) => Promise<void>;
}

/** The files this page is bringing into the library, two at a time. What was sent goes on by itself. */
export class Uploads {
  readonly #listeners = new Set<() => void>();
  readonly #onAdded: () => void;
  readonly #server: UploadServer;
  readonly #batches = new Map<string, UploadBatch>();
  readonly #waiting: UploadBatch[] = [];
  #lanes = 0;
  #items: readonly UploadItem[] = [];

  /** `onAdded` is called whenever a file has arrived in the library. */
  constructor(onAdded: () => void, server: UploadServer = SERVER) {
    this.#onAdded = onAdded;
    this.#server = server;
  }

  readonly getSnapshot = (): readonly UploadItem[] => this.#items;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly add = (files: readonly File[]): Promise<void> => {
    const batches = batchesOf(files, randomId);
    for (const batch of batches) this.#batches.set(batch.key, batch);
    this.#set([...this.#items, ...batches.map(waitingItem)]);
    this.#waiting.push(...batches);
    this.#carryOn();
    return Promise.resolve();
  };

  /** Sends a file that failed once more. */
  readonly retry = (key: string): void => {
    const batch = this.#batches.get(key);
    if (batch === undefined) return;
    this.#change(key, waitingItem(batch));
    this.#waiting.push(batch);
    this.#carryOn();
  };

  /** Forgets the files that have ended, or one of them. */
  readonly clear = (key?: string): void => {
    const goes = (item: UploadItem): boolean =>
      item.state !== "working" && (key === undefined || item.key === key);
    for (const item of this.#items.filter(goes)) this.#batches.delete(item.key);
    this.#set(this.#items.filter((item) => !goes(item)));
  };

  #carryOn(): void {
    while (this.#lanes < MAX_CONCURRENT_UPLOADS) {
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      this.#lanes += 1;
      void this.#carry(batch).finally(() => {
        this.#lanes -= 1;
        this.#carryOn();
      });
    }
  }

  async #carry({ key, files }: UploadBatch): Promise<void> {
    this.#change(key, { step: "sending" });
    let jobId: string;
    try {
      const upload = await this.#server.send(files);
      jobId = upload.job_id;
      this.#change(key, takenOver(upload));
    } catch (error) {
      this.#change(key, refusal(error));
      return;
    }
    await this.#server
      .follow(jobId, (event) => {
        this.#change(key, changeBy(event));
        if (event.type === "file") this.#onAdded();
      })
      .catch(() => {
        this.#change(key, failed("unknown", true));
      });
  }

  /** Changes an item; what has ended stays as it is, until it is tried again. */
  #change(key: string, change: Partial<UploadItem>): void {
    this.#set(
      this.#items.map((item) =>
        item.key === key && (item.state === "working" || change.step === "waiting")
          ? { ...item, ...change }
          : item,
      ),
    );
  }

  #set(items: readonly UploadItem[]): void {
    this.#items = items;
    for (const listener of this.#listeners) listener();
  }
}

/** Refused by the server: its words. Else the connection was cut, and nothing was kept. */
function refusal(error: unknown): Partial<UploadItem> {
  if (!(error instanceof ApiError)) return failed("unreachable", true);
  const mayWorkLater = error.status >= 500 || error.status === 401 || error.status === 400;
  return failed({ said: error.message }, mayWorkLater);
}

/** The browser reconnects by itself, from the last event it saw. */
function followJob(jobId: string, onEvent: (event: JobEvent) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const events = new EventSource(jobEvents(jobId));
    events.onmessage = ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as JobEvent;
      onEvent(event);
      if (event.type !== "done" && event.type !== "error") return;
      events.close();
      resolve();
    };
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) reject(new Error("no more events"));
    };
  });
}

const SERVER: UploadServer = { send: (files) => api.upload(files), follow: followJob };
