// @vitest-environment node
import { describe, expect, it } from "vitest";

import { splitBlocks } from "./blocks.ts";
import { BlockSplitter } from "./BlockSplitter.ts";
import { HOSTILE } from "./hostile.ts";

const TEXT = [
  "# Title\n\nA paragraph,\nof two lines.\n\n- one\n\n- two\n\n1. three\n\n   more of three\n\nAfter.",
  "\n\n```js\nconst a = 1;\n\nconst b = 2;\n```\n\n$$\nx\n\ny\n$$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n",
  "~~~\n```\n\n~~~\n\n> quote\n\n> another\n\n    indented\n\nThe end [1].",
].join("");

describe("BlockSplitter", () => {
  it.each([1, 2, 3, 7, 40])("cuts as if all were cut at once, growing by %i", (step) => {
    const splitter = new BlockSplitter();
    for (let end = step; end < TEXT.length + step; end += step) {
      const text = TEXT.slice(0, end);
      expect(splitter.split(text)).toEqual(splitBlocks(text));
    }
  });

  it.each([
    ...HOSTILE,
    ...["| a | b |\n", "x ", "- a\n\n  ```js\n  b\n"].map((unit) => ({ head: "", unit })),
  ])("cuts the same when $unit is repeated after '$head'", ({ head, unit }) => {
    const splitter = new BlockSplitter();
    const whole = `${head || "| a | b |\n|---|---|\n"}${unit.repeat(12_000 / unit.length)}`;
    for (let end = 0; end < whole.length + 1_177; end += 1_177) {
      expect(splitter.split(whole.slice(0, end))).toEqual(splitBlocks(whole.slice(0, end)));
    }
  });

  it("begins anew when the text is another", () => {
    const splitter = new BlockSplitter();
    splitter.split(TEXT);
    expect(splitter.split("a\n\nb")).toEqual(splitBlocks("a\n\nb"));
  });

  it("keeps finished blocks for a text that only grew", () => {
    const splitter = new BlockSplitter();
    const before = splitter.split(`${TEXT}\n\nA`);
    const after = splitter.split(`${TEXT}\n\nA and more`);
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
    expect(after.at(-1)).toMatchObject({ text: "A and more" });
  });
});
