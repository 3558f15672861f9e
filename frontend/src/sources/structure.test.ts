// @vitest-environment node
import { describe, expect, it } from "vitest";

import { inUnits, partsOf, sliceSpans, type Part, type Range, type Span } from "./structure.ts";

/** Lines of one text, each with what it is; `""` is a paragraph. */
function document(...lines: readonly (readonly [string, string])[]) {
  const structure: Span[] = [];
  let text = "";
  for (const [kind, line] of lines) {
    if (text !== "") text += "\n";
    if (kind !== "") structure.push({ kind, start: text.length, end: text.length + line.length });
    text += line;
  }
  return { text, structure };
}

/** A part with the words in place of their offsets. */
function words(text: string, part: Part) {
  const of = (range: Range | null): string | null =>
    range === null ? null : text.slice(range.start, range.end);
  switch (part.kind) {
    case "list":
      return { list: part.items.map(of) };
    case "fields":
      return { fields: part.fields.map(({ label, value }) => [label, of(value)]) };
    case "table":
      return { columns: part.columns, rows: part.rows.map((row) => row.map(of)) };
    default:
      return { [part.kind]: of(part.range) };
  }
}

function drawn(...lines: readonly (readonly [string, string])[]) {
  const { text, structure } = document(...lines);
  return partsOf(text, structure).map((part) => words(text, part));
}

describe("partsOf", () => {
  it("draws rows of the same columns as a table, and empty cells as empty", () => {
    expect(
      drawn(
        ["", "Prices:"],
        ["row", "Tea: Assam; Price: 4; Note: strong; best hot: always"],
        ["row", "Tea: Oolong; Note: light"],
        ["", "Prices are per cup."],
      ),
    ).toEqual([
      { text: "Prices:" },
      {
        columns: ["Tea", "Price", "Note", "best hot"],
        rows: [
          ["Assam", "4", "strong", "always"],
          ["Oolong", null, "light", null],
        ],
      },
      { text: "Prices are per cup." },
    ]);
  });

  it("keeps a semicolon and a colon of a value in the value", () => {
    expect(drawn(["row", "A: 1; B: 2"], ["row", "A: x; y; B: 3; see: below"])).toEqual([
      {
        columns: ["A", "B"],
        rows: [
          ["1", "2"],
          ["x; y", "3; see: below"],
        ],
      },
    ]);
  });

  it("draws labels with one value each as fields", () => {
    expect(drawn(["row", "Name: Ana"], ["row", "Born: 1990"])).toEqual([
      { fields: [["Name", "Ana"], ["Born", "1990"]] },
    ]);
  });

  it("draws items as a list with their numbers, and code as code", () => {
    expect(drawn(["item", "1. Boil"], ["item", "2. Pour"], ["code", "brew()\n  hot"])).toEqual([
      { list: ["1. Boil", "2. Pour"] },
      { code: "brew()\n  hot" },
    ]);
  });

  it("draws rows without columns, other kinds and no structure as text", () => {
    expect(drawn(["row", "one line"], ["row", "and another"])).toEqual([
      { text: "one line\nand another" },
    ]);
    expect(drawn(["verse", "Rose"])).toEqual([{ text: "Rose" }]);
    expect(partsOf("old", [])).toEqual([{ kind: "text", range: { start: 0, end: 3 } }]);
  });

  it("ignores spans that do not fit the text", () => {
    const structure = [
      { kind: "code", start: 0, end: 3 },
      { kind: "code", start: 1, end: 4 },
      { kind: "code", start: 9, end: 99 },
    ];
    expect(partsOf("abc def", structure).map((part) => words("abc def", part))).toEqual([
      { code: "abc" },
      { text: "def" },
    ]);
  });
});

describe("sliceSpans", () => {
  it("moves spans with the text, and cuts them at its borders", () => {
    const structure = [
      { kind: "row", start: 0, end: 5 },
      { kind: "row", start: 6, end: 9 },
    ];
    expect(sliceSpans(structure, 2, 8)).toEqual([
      { kind: "row", start: 0, end: 3 },
      { kind: "row", start: 4, end: 6 },
    ]);
    expect(sliceSpans(structure, 5, 9)).toEqual([{ kind: "row", start: 1, end: 4 }]);
  });
});

describe("inUnits", () => {
  it("counts as JavaScript does", () => {
    const [span] = inUnits("🍵 tea", [{ kind: "code", start: 2, end: 5 }]);
    expect("🍵 tea".slice(span?.start, span?.end)).toBe("tea");
  });
});
