// @vitest-environment node
import { describe, expect, it } from "vitest";

import type { FileEnded, JobEvent } from "../protocol/jobs.gen.ts";
import { changeBy, batchesOf, progressOf, waitingItem } from "./uploadItems.ts";

const timestamp = "2026-11-20T10:30:40.000Z";
const WAITING = waitingItem({ key: "1", name: "a.pdf", files: [] });

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

describe("batchesOf", () => {
  const batches = (...names: string[]): string[][] =>
    batchesOf(names.map((name) => new File([], name)), () => "key").map(({ files }) =>
      files.map(({ name }) => name),
    );

  it("sends each file by itself, and audio with its transcript", () => {
    expect(batches("a.pdf", "Talk.MP3", "b.md", "talk.vtt", "lone.wav")).toEqual([
      ["a.pdf"],
      ["b.md"],
      ["talk.vtt", "Talk.MP3"],
      ["lone.wav"],
    ]);
  });
});

describe("changeBy", () => {
  it("tells how far a file is, further with every stage", () => {
    const told = [stage("read"), stage("cut"), stage("embed", 3, 40), stage("embed", 40, 40), stage("store")];
    const shares = told.map((event) => progressOf({ ...WAITING, ...changeBy(event) }));
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(changeBy(stage("embed", 3, 40))).toEqual({ step: "embed", done: 3, total: 40 });
  });

  it.each([
    [ended({}), { state: "ready" }],
    [ended({ status: "unchanged" }), { state: "ready" }],
    [ended({ status: "failed", message: "It is encrypted." }), { why: { said: "It is encrypted." }, canRetry: false }],
    [ended({ status: "failed" }), { state: "failed", why: "unknown" }],
    [ended({ source_id: null, message: "b.png: unknown" }), { state: "ready", end: { message: "b.png: unknown" } }],
  ])("says what became of a file", (event, expected) => {
    expect(changeBy(event)).toMatchObject(expected);
  });

  it("waits for the file itself when one inside of it is done", () => {
    expect(changeBy(ended({ file_id: "1/2" }))).toEqual({});
  });

  it("lets a file be sent again when the server ended before it was done", () => {
    const content = { code: "INTERRUPTED", message: "The server ended.", retryable: true } as const;
    const change = changeBy({ type: "error", content, timestamp });
    expect(change).toEqual({ state: "failed", why: { said: "The server ended." }, canRetry: true });
  });
});
