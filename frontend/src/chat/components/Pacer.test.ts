// @vitest-environment node
import { describe, expect, it } from "vitest";

import { Pacer, wordEnd } from "./Pacer.ts";

describe("Pacer", () => {
  it("shows at once what was there, and the first words", () => {
    expect(new Pacer(120).shown(0)).toBe(120);
    const pacer = new Pacer(0);
    pacer.grow(6, 1_000);
    expect(pacer.shown(1_000)).toBe(6);
    expect(pacer.isBehind).toBe(false);
  });

  it("spreads a lump over a quarter of a second, never more", () => {
    const pacer = new Pacer(10);
    pacer.grow(110, 1_000);
    expect([1_000, 1_050, 1_125, 1_200, 1_250].map((at) => pacer.shown(at))).toEqual([
      10, 30, 60, 90, 110,
    ]);
    expect(pacer.isBehind).toBe(false);
  });

  it("makes an even flow of bursts that arrive ten times a second", () => {
    const pacer = new Pacer(10);
    const shown: number[] = [];
    for (let now = 0; now < 2_000; now += 20) {
      if (now % 100 === 0) pacer.grow(60 + now / 2, now);
      shown.push(pacer.shown(now));
    }
    const steps = shown.slice(15).map((length, index) => length - (shown[index + 14] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(7);
    expect(Math.max(...steps)).toBeLessThanOrEqual(13);
  });

  it("never goes backwards while text only grows", () => {
    const pacer = new Pacer(0);
    let last = 0;
    for (let now = 0, length = 0; now < 1_000; now += 7) {
      length += now % 3 === 0 ? 40 : 0;
      pacer.grow(length, now);
      expect(pacer.shown(now)).toBeGreaterThanOrEqual(last);
      last = pacer.shown(now);
    }
  });

  it("does not make anybody wait for a replay, or for text that was replaced", () => {
    const pacer = new Pacer(10);
    pacer.grow(5_000, 0);
    expect(pacer.shown(0)).toBe(5_000);
    pacer.grow(5_020, 10);
    pacer.grow(300, 20);
    expect(pacer.shown(20)).toBe(300);
  });
});

describe("wordEnd", () => {
  it.each([
    ["one two three", 5, 3],
    ["one two three", 7, 7],
    ["one two three", 13, 13],
    ["一二三四五六七八九十".repeat(5), 45, 45],
  ])("of %j within %i is %i", (text, length, end) => {
    expect(wordEnd(text, length)).toBe(end);
  });
});
