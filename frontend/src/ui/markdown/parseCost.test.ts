// @vitest-environment node
import { describe, expect, it } from "vitest";

import { splitBlocks, type MarkdownBlock } from "./blocks.ts";
import { BlockSplitter } from "./BlockSplitter.ts";
import { HOSTILE } from "./hostile.ts";
import { withDollarMath } from "./mathText.ts";
import { addLine, depthOf, MAX_COST, MAX_DEPTH, NO_COST } from "./parseCost.ts";

const PROSE = "The reading of every passage shows that an answer stands on its **sources** [1].\n\n";

function repeated(head: string, unit: string, length: number): string {
  return head + unit.repeat(Math.ceil(length / unit.length));
}

function costOf(block: MarkdownBlock): number {
  const lines = (block.lead + block.text).split(/(?<=\n)/);
  return lines.reduce((cost, line) => addLine(cost, line).cost, NO_COST).units;
}

/** What the parser is given while `text` arrives in `steps`, in units of cost. */
function workOf(text: string, steps: number): number {
  const splitter = new BlockSplitter();
  let before: readonly MarkdownBlock[] = [];
  let work = 0;
  for (let step = 1; step <= steps; step += 1) {
    const blocks = splitter.split(text.slice(0, Math.round((text.length * step) / steps)));
    const changed = blocks.filter(({ kind, text: now }, index) => kind === "markdown" && now.trim() !== "" && now !== before[index]?.text);
    work += changed.reduce((sum, block) => sum + costOf(block), 0);
    before = blocks;
  }
  return work;
}

describe.each([...HOSTILE, { head: "", unit: PROSE }])("$unit, repeated after '$head',", ({ head, unit }) => {
  it("is cut into blocks that can be parsed, and stays whole", () => {
    const text = repeated(head, unit, 20_000);
    const blocks = splitBlocks(text);
    expect(blocks.map((block) => block.text).join("")).toBe(text);
    for (const block of blocks.filter(({ kind }) => kind === "markdown")) {
      expect(costOf(block)).toBeLessThanOrEqual(1.01 * MAX_COST);
      for (const line of block.text.split("\n")) expect(depthOf(line)).toBeLessThanOrEqual(MAX_DEPTH);
    }
  });

  it("costs twice as much to parse when it is twice as long", () => {
    const [half, whole] = [12_000, 24_000].map((length) => workOf(repeated(head, unit, length), length / 250));
    expect(whole).toBeLessThanOrEqual(2.3 * (half ?? 0));
  });
});

it.each(["www.a_", "_www.", "https://a_"])("lets the parser reread little of addresses that follow each other: %j", (unit) => {
  for (const { text } of splitBlocks(repeated("", unit, 20_000))) {
    const starts = [...text.matchAll(/www\.|https?:\/\//g)];
    expect(starts.reduce((sum, { index }) => sum + text.length - index, 0)).toBeLessThanOrEqual(MAX_COST);
  }
});

it("counts no deeper than it matters: a long line is asked for each block that it becomes", () => {
  expect(depthOf("> - ".repeat(3))).toBe(6);
  expect(depthOf(">".repeat(20_000))).toBe(MAX_DEPTH + 1);
});

it("keeps a list of long addresses whole", () => {
  const address = `https://example.org/${"path/to-it?with=this&and=that%20".repeat(4)}`;
  const list = Array.from({ length: 8 }, (_, n) => `- [${n + 1}] ${address}`).join("\n");
  expect(splitBlocks(list)).toHaveLength(1);
});

it("reads formulas and backticks in one go", () => {
  // Each takes minutes if every opening looks for its end.
  for (const unit of ["\\(", "\\[", "`a``b```", "\\(`", "\\)\\("]) {
    const text = repeated("", unit, 200_000);
    expect(withDollarMath(`\\(${text}`).length).toBeGreaterThanOrEqual(text.length);
  }
});
