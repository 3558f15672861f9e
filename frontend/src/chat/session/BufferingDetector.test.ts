// @vitest-environment node
import { expect, it } from "vitest";

import type { Frame } from "../../protocol/decode.ts";
import { BufferingDetector } from "./BufferingDetector.ts";

const BEGAN = Date.parse("2026-11-20T10:30:40.000Z");

/** A token that left the server so many milliseconds after the first. */
function token(leftMs: number): Frame {
  const timestamp = new Date(BEGAN + leftMs).toISOString();
  return { id: leftMs + 1, event: { type: "token", content: "word ", timestamp } };
}

/** Whether it was noticed, for tokens every `every` ms that came as `came` says. */
function noticed(count: number, came: (leftMs: number) => number, every = 50): boolean {
  let now = 0;
  const detector = new BufferingDetector(() => now);
  let found = false;
  for (let number = 0; number < count; number += 1) {
    now = came(number * every);
    found = detector.observe(token(number * every)) || found;
  }
  return found;
}

it("finds nothing when each piece comes when it left, or a little late", () => {
  expect(noticed(200, (left) => left + 20)).toBe(false);
  expect(noticed(200, (left) => Math.ceil(left / 200) * 200)).toBe(false);
});

it("finds nothing in one stall, such as a busy page has", () => {
  expect(noticed(200, (left) => (left < 2_000 ? 2_000 : left))).toBe(false);
});

it("finds nothing in a fast model, whose words come one right after the other", () => {
  expect(noticed(2_000, (left) => left + 20, 5)).toBe(false);
  expect(noticed(2_000, (left) => (left < 2_000 ? 2_000 : left), 5)).toBe(false);
});

it("detects frames that arrive in bursts", () => {
  expect(noticed(200, (left) => Math.ceil((left + 1) / 1_500) * 1_500)).toBe(true);
  expect(noticed(2_000, (left) => Math.ceil((left + 1) / 1_500) * 1_500, 5)).toBe(true);
});

it("notices an answer that comes whole at its end", () => {
  expect(noticed(100, () => 5_000)).toBe(true);
});

it("does not stumble over what it does not know", () => {
  expect(new BufferingDetector(() => 0).observe({ id: 1, event: null })).toBe(false);
});
