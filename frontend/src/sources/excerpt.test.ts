// @vitest-environment node
import { describe, expect, it } from "vitest";

import { NO_FILTERS, type Passage, type Source } from "../protocol/api.ts";
import { excerpts, transcript } from "./excerpt.ts";
import { onlyKind, scopeLabel, toggleSource } from "./scope.ts";

function passage(id: string, text: string, from: number, more: Partial<Passage> = {}): Passage {
  return {
    passage_id: id,
    source_id: "s",
    title: "T",
    kind: "document",
    position: from,
    text,
    heading: "H",
    char_start: from,
    char_end: from + text.length,
    page: null,
    start_s: null,
    end_s: null,
    speaker: null,
    url: null,
    structure: [],
    cues: [],
    ...more,
  };
}

// "abcdefghij" cut into overlapping passages.
const OVERLAPPING = [passage("1", "abcd", 0), passage("2", "cdefg", 2), passage("3", "fghij", 5)];

describe("excerpts", () => {
  it("shows every character once, the cited passage whole and its quote highlight", () => {
    const shown = excerpts(OVERLAPPING, { passageId: "2", start: 1, end: 3 }, 1);
    expect(shown.map(({ text }) => text)).toEqual(["ab", "cdefg", "hij"]);
    expect(shown.map(({ highlight }) => highlight)).toEqual([null, [1, 3], null]);
    expect(shown.map(({ heading }) => heading)).toEqual(["H", null, null]);
  });

  it("shows only the neighbours asked for, and all when the passage is unknown", () => {
    const quote = { passageId: "1", start: null, end: null };
    expect(excerpts(OVERLAPPING, quote, 0).map(({ id }) => id)).toEqual(["1"]);
    expect(excerpts(OVERLAPPING, { ...quote, passageId: "x" }, 0)).toHaveLength(3);
  });

  it("lights the quote behind characters of two units, and cuts overlaps where they end", () => {
    const texts = ["🍵🍵ab", "ab🫖 cd 🍰 ef", "🍰 ef gh"] as const;
    const passages = [
      passage("1", texts[0], 0, { char_end: 4 }),
      passage("2", texts[1], 2, { char_end: 13 }),
      passage("3", texts[2], 9, { char_end: 16 }),
    ];
    const shown = excerpts(passages, { passageId: "2", start: 4, end: 10 }, 1);
    expect(shown.map(({ text }) => text)).toEqual(["🍵🍵", texts[1], " gh"]);
    const [from, to] = shown[1]?.highlight ?? [0, 0];
    expect(texts[1].slice(from, to)).toBe("cd 🍰 e");
    expect(excerpts(passages, { passageId: "2", start: 4, end: 12 }, 0)[0]?.highlight).toBeNull();
  });

  it("lights nothing when the offsets do not fit the text", () => {
    expect(excerpts(OVERLAPPING, { passageId: "1", start: 2, end: 99 }, 0)[0]?.highlight).toBeNull();
  });
});

describe("transcript", () => {
  const cue = (start: number, end: number, startS: number) => ({
    start,
    end,
    start_s: startS,
    end_s: startS + 1,
    speaker: "Ada",
  });
  const first = passage("1", "Ada: Hello.\nAda: Bye.", 0, { cues: [cue(0, 11, 1), cue(12, 21, 2)] });
  const second = passage("2", "Ada: Bye.", 0, { cues: [cue(0, 9, 2)] });

  it("has each line once, without the speaker's name in it, the quoted ones highlight", () => {
    const lines = transcript([first, second], { passageId: "2", start: 5, end: 9 });
    expect(lines.map(({ text, startS, isHighlighted }) => [text, startS, isHighlighted])).toEqual([
      ["Hello.", 1, false],
      ["Bye.", 2, true],
    ]);
  });

  it("finds each line behind characters of two units", () => {
    const text = "Ada: 🍵🍵 Tea.\nAda: 🍰 Cake.";
    const cues = [cue(0, 12, 1), cue(13, 25, 2)];
    const lines = transcript([passage("1", text, 0, { cues })], {
      passageId: "1",
      start: 20,
      end: 25,
    });
    expect(lines.map((line) => [line.text, line.isHighlighted])).toEqual([
      ["🍵🍵 Tea.", false],
      ["🍰 Cake.", true],
    ]);
  });

  it("lights the whole passage when there is no quote", () => {
    const lines = transcript([first], { passageId: "1", start: null, end: null });
    expect(lines.every(({ isHighlighted }) => isHighlighted)).toBe(true);
  });
});

describe("scope", () => {
  const sources = [{ source_id: "a", title: "Alpha" }] as unknown as Source[];

  it("is told in words", () => {
    expect(scopeLabel(NO_FILTERS, sources)).toBe("All sources");
    expect(scopeLabel(onlyKind(NO_FILTERS, "recording"), sources)).toBe("Recordings only");
    const one = toggleSource(onlyKind(NO_FILTERS, "document"), "a");
    expect(one).toEqual({ ...NO_FILTERS, source_ids: ["a"] });
    expect(scopeLabel(one, sources)).toBe("Alpha");
    expect(scopeLabel(toggleSource(one, "b"), sources)).toBe("2 sources");
    expect(toggleSource(one, "a")).toEqual(NO_FILTERS);
  });
});
