import { describe, expect, it } from "vitest";

import type { FileEnded, JobEvent } from "../protocol/jobs.gen.ts";
import { applyJobEvent, takenOver, type UploadItem } from "./uploadItems.ts";

const timestamp = "2026-11-20T10:30:40.000Z";
const UPLOAD = {
  job_id: "j",
  files: [
    { file_id: "1", name: "a.pdf" },
    { file_id: "2", name: "b.pdf" },
  ],
};

function stage(type: "read" | "cut" | "embed" | "store", done = 1, total = 2): JobEvent {
  const content = { stage: type, status: "progress", file_id: "1", name: "a.pdf", done, total } as const;
  return { type, content, timestamp };
}

function ended(change: Partial<FileEnded>): JobEvent {
  const content: FileEnded = {
    stage: "file",
    status: "added",
    file_id: "1",
    name: "a.pdf",
    source_id: "s",
    title: "A",
    passages: 1,
    same_as: null,
    similar: [],
    message: null,
    ...change,
  };
  return { type: "file", content, timestamp };
}

const after = (...events: JobEvent[]): readonly UploadItem[] =>
  events.reduce<readonly UploadItem[]>(
    (items, event) => applyJobEvent(items, ["1", "2"], event),
    takenOver(UPLOAD),
  );

describe("uploads", () => {
  it.each([
    [stage("read"), "Reading…"],
    [stage("cut"), "Cutting into passages…"],
    [stage("embed", 3, 40), "Indexing 3 of 40 passages…"],
    [stage("store"), "Storing…"],
  ])("says what happens to a file, and leaves the others alone", (event, text) => {
    expect(after(event).map((item) => item.text)).toEqual([text, "Waiting…"]);
  });

  it.each([
    [ended({ passages: 3 }), "ready", "Ready: 3 passages. Ask about it."],
    [ended({ status: "unchanged" }), "ready", "In the library already. Ask about it."],
    [ended({ status: "failed", message: "It is encrypted." }), "failed", "It is encrypted."],
  ])("says what became of a file", (event, state, text) => {
    expect(after(event)[0]).toMatchObject({ state, text });
  });

  it("tells of a failed job only with files that had not ended", () => {
    const content = { code: "INTERRUPTED", message: "The server ended.", retryable: true } as const;
    const items = after(ended({}), { type: "error", content, timestamp });
    expect(items.map((item) => item.state)).toEqual(["ready", "failed"]);
    expect(items[1]?.text).toBe("The server ended.");
  });
});
