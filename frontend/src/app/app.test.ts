import { describe, expect, it } from "vitest";

import type { Source } from "../protocol/api.ts";
import { randomId } from "../protocol/ids.ts";
import { examplesFor } from "./examples.ts";
import { addressOf, conversationIn, placeIn } from "./route.ts";

describe("addresses", () => {
  it.each(["550e8400-e29b-41d4-a716-446655440000", "a.b:c_d-1"])("round-trip %s", (id) => {
    expect(conversationIn(addressOf(id))).toBe(id);
  });

  it.each(["/", "/c/", "/c/a/b", "/c/%E0%A4%A", "/library"])("%s names none", (path) => {
    expect(conversationIn(path)).toBeNull();
  });

  it("names a place in a source", () => {
    expect(placeIn("?source=s1&passage=p%201&page=3&start=4&end=9")).toEqual({
      sourceId: "s1",
      passageId: "p 1",
      page: 3,
      quoteStart: 4,
      quoteEnd: 9,
    });
    expect(placeIn("?source=s1&page=x&start=-1")).toMatchObject({ passageId: "", page: null });
    expect(placeIn("?passage=p1")).toBeNull();
  });
});

describe("examplesFor", () => {
  const source = (name: string, title: string, tags: string[] = []) =>
    ({ name, title, tags, kind: "document", created_at: "2026-11-20T10:00:00Z" }) as Source;

  it("asks the sample library's questions, or about one's own sources", () => {
    expect(examplesFor([source("documents/aripiprazole.md", "A", ["sample"])])).toHaveLength(2);
    // Without the sample library, a file of the same name is one's own.
    expect(examplesFor([source("aripiprazole.md", "Mine")])[0]?.question).toContain("“Mine”");
    expect(examplesFor([source("mine.md", "Mine")])[0]?.question).toContain("“Mine”");
    expect(examplesFor([])).toEqual([]);
  });
});

describe("randomId", () => {
  it("is a UUIDv4, also without crypto.randomUUID", () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(randomId()).toMatch(uuid);
    const original = crypto.randomUUID.bind(crypto);
    Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
    expect(randomId()).toMatch(uuid);
    Object.defineProperty(crypto, "randomUUID", { value: original, configurable: true });
  });
});
