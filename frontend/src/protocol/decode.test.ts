// @vitest-environment node
import { describe, expect, it } from "vitest";

import { decodeFrame, isTerminal, ProtocolError } from "./decode.ts";

const json = (value: unknown): string => JSON.stringify(value);

describe("decodeFrame", () => {
  it("reads a known event", () => {
    const frame = decodeFrame("7", json({ type: "token", content: "a", timestamp: "t" }));
    expect(frame).toEqual({ id: 7, event: { type: "token", content: "a", timestamp: "t" } });
  });

  it("passes an unknown type on as its position only", () => {
    expect(decodeFrame("8", json({ type: "weather", content: {} }))).toEqual({ id: 8, event: null });
    expect(decodeFrame("8", json({ type: "toString", content: {} })).event).toBeNull();
  });

  it("does not take a known type with the wrong content for that type", () => {
    expect(decodeFrame("9", json({ type: "token", content: { a: 1 } })).event).toBeNull();
    expect(decodeFrame("9", json({ type: "done", content: null })).event).toBeNull();
  });

  it.each([
    [undefined, json({ type: "token", content: "a" })],
    ["x1", json({ type: "token", content: "a" })],
    ["1", "{"],
    ["1", "[]"],
    ["1", json({ content: "a" })],
  ])("refuses what is no frame: %j %j", (id, data) => {
    expect(() => decodeFrame(id, data)).toThrow(ProtocolError);
  });

  it("knows the terminal events", () => {
    const done = decodeFrame("1", json({ type: "done", content: {} })).event;
    const token = decodeFrame("1", json({ type: "token", content: "" })).event;
    expect(done !== null && isTerminal(done)).toBe(true);
    expect(token !== null && isTerminal(token)).toBe(false);
  });
});
