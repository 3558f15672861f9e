// @vitest-environment node
import { describe, expect, it } from "vitest";

import type { Conversation } from "../protocol/api.ts";
import { highlightParts } from "./highlightParts.ts";
import { rowsOf, withFirstPage } from "./rows.ts";

const at = (title: string, updated_at: string): Conversation => ({
  session_id: title,
  title,
  created_at: updated_at,
  updated_at,
  active_run_id: null, model: null,
  filters: { source_ids: [], kinds: [], tags: [] },
  match: null,
});
const NOW = new Date(2026, 10, 20, 9, 0);
const day = (d: number, h: number) => new Date(2026, 10, d, h).toISOString();
const NEW = at("new", day(20, 8));
const LATE = at("late", day(19, 23));
const OLD = at("old", day(3, 9));

describe("rowsOf", () => {
  it("names the reader's days, newest first, and has every conversation once", () => {
    const rows = rowsOf([OLD, LATE, NEW, { ...OLD }, at("early", day(20, 1))], NOW);
    expect(rows.map((row) => (row.kind === "day" ? row.day : row.conversation.title))).toEqual([
      "today",
      "new",
      "early",
      "yesterday",
      "late",
      "older",
      "old",
    ]);
  });

  it("is quick with five thousand", () => {
    const many = Array.from({ length: 5_000 }, (_, n) => at(`c${n}`, day(1, 0)));
    expect(rowsOf(many, NOW)).toHaveLength(5_001);
  });
});

describe("withFirstPage", () => {
  it("keeps what is older, and of the page's stretch only what it holds", () => {
    const gone = at("gone", day(19, 22));
    const first = { items: [NEW, at("renamed", day(19, 10))], next: "more" };
    const known = [LATE, gone, at("renamed", day(1, 1)), OLD];
    expect(withFirstPage(known, first).map(({ title }) => title)).toEqual(["new", "renamed", "old"]);
  });

  it("is the page alone when nothing follows it", () => {
    expect(withFirstPage([OLD], { items: [NEW], next: null })).toEqual([NEW]);
  });
});

describe("highlightParts", () => {
  const highlight = (text: string, query: string): string =>
    highlightParts(text, query)
      .map(({ part, isFound }) => (isFound ? `[${part}]` : part))
      .join("");

  it.each([
    ["Steep the tea.", "TEA", "Steep the [tea]."],
    ["Teapot, steak", "tea", "[Tea]pot, steak"],
    ["Über grüner Tee", "über-GRÜ", "[Über] [grü]ner Tee"],
    ["a.b (c)", "( . c", "a.b ([c])"],
    ["<b>x</b>", "", "<b>x</b>"],
  ])("lights in %s what %s begins", (text, query, expected) => {
    expect(highlight(text, query)).toBe(expected);
  });
});
