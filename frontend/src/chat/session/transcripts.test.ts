// @vitest-environment node
import { describe, expect, it } from "vitest";

import type { Frame } from "../../protocol/decode.ts";
import { readFrames } from "../../protocol/sse.ts";
import { newAnswer, reduceAnswer, type Answer } from "../state/answerReducer.ts";

const OURS = import.meta.glob<string>("./fixtures/*.sse", {
  query: "?raw",
  import: "default",
  eager: true,
});
// What the Python encoder wrote, byte for byte: the page must read exactly that.
const RECORDED = import.meta.glob<string>("../../../../specs/transcripts/*.sse", {
  query: "?raw",
  import: "default",
  eager: true,
});

function bodyOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

async function framesOf(text: string, size: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  const body = bodyOf(new TextEncoder().encode(text), size);
  for await (const frame of readFrames(body, () => undefined)) frames.push(frame);
  return frames;
}

async function replay(text: string, size: number): Promise<Answer> {
  return (await framesOf(text, size)).reduce(reduceAnswer, newAnswer("a", "run-1"));
}

/** The format of `POST /api/chat/stream` names its events; this page does not speak it. */
const isMainFormat = (text: string): boolean => !/^event: /m.test(text);

describe.each(Object.entries({ ...OURS, ...RECORDED }).filter(([, text]) => isMainFormat(text)))(
  "transcript %s",
  (_, text) => {
    it("reads the same whole, in pieces and byte by byte", async () => {
      const whole = await replay(text, text.length * 4);
      expect(await replay(text, 7)).toEqual(whole);
      expect(await replay(text, 1)).toEqual(whole);
      expect(["complete", "stopped", "error"]).toContain(whole.phase);
    });

    it("has increasing positions and its text is its tokens", async () => {
      const frames = await framesOf(text, 3);
      const ids = frames.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      const expected = frames.reduce((written, { event }) => {
        if (event?.type === "reset") return event.content.text;
        return event?.type === "token" ? written + event.content : written;
      }, "");
      expect((await replay(text, 5)).text).toBe(expected);
    });
  },
);

const ours = (name: string): string => OURS[`./fixtures/${name}.sse`] ?? "";

describe("the folded answer", () => {
  it("has text, evidence, verdicts and figures when complete", async () => {
    const answer = await replay(ours("complete"), 11);
    expect(answer).toMatchObject({
      phase: "complete",
      position: 13,
      runId: "run-1",
      messageId: "m-1",
      model: "extractive",
      text: "Nausea is common — señal 😀 [1].",
      hasVerdicts: true,
      finishReason: "stop",
      failure: null,
      saved: true,
    });
    expect(answer.evidence.map(({ type }) => type)).toEqual([
      "retrieval_start",
      "retrieval_complete",
      "reranking_start",
      "reranking_complete",
      "generation_start",
    ]);
    expect(answer.passages.map(({ marker }) => marker)).toEqual([1, 2]);
    expect(answer.citations.map(({ verified }) => verified)).toEqual([true]);
  });

  it("keeps the text of a stopped and of a failed answer", async () => {
    expect(await replay(ours("stopped"), 9)).toMatchObject({ phase: "stopped", text: "Nausea" });
    expect(await replay(ours("error"), 9)).toMatchObject({
      phase: "error",
      text: "Nausea",
      failure: { code: "UPSTREAM_TRUNCATED", retryable: true },
    });
  });

  it("starts over with the text of a reset", async () => {
    expect(await replay(ours("reset"), 2)).toMatchObject({ text: "Nausea is common.", position: 23 });
  });
});
