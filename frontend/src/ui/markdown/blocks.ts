import { addLine, depthOf, MAX_COST, MAX_DEPTH, NO_COST, type Cost } from "./parseCost.ts";

/** A piece of an answer that is drawn alone. */
export interface MarkdownBlock {
  /** As it stands in the answer: the texts of all blocks joined are the answer. */
  readonly text: string;
  /** `code` and `plain` are shown without being parsed. */
  readonly kind: "markdown" | "code" | "plain";
  /** True when the block before would have cost too much together with this one. */
  readonly continues: boolean;
  /** What has to stand before a continuation: its fence, or the head of its table. */
  readonly lead: string;
}

/** The block that is being read. */
export interface OpenBlock extends MarkdownBlock {
  readonly firstLine: string;
  readonly lastLine: string;
  readonly tableHead: string;
  readonly fence: { readonly marker: string; readonly line: string } | null;
  /** What ends the formula that is open; empty when none is. */
  readonly mathEnd: string;
  readonly cost: Cost;
}

export const NO_BLOCK: OpenBlock = {
  text: "",
  kind: "markdown",
  continues: false,
  lead: "",
  firstLine: "",
  lastLine: "",
  tableHead: "",
  fence: null,
  mathEnd: "",
  cost: NO_COST,
};

const FENCE = /^([ \t]*)(`{3,}(?=[^`]*$)|~{3,})/;
const MATH_FENCE = /^\s*(\$\$|\\\[)/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
const TABLE_RULE = /^[ \t]*[|:-][|: \t-]*$/;
/** A block that has to be cut inside a line is cut at a space, if one is this near. */
const NEAR = 200;

/**
 * Cuts markdown into top-level blocks that can be parsed alone, so that an answer that grows
 * re-parses only its last one.
 *
 * A cut is made at a blank line, but never inside a code or maths fence, before an indented line,
 * or between the items of one list; around a code fence; and wherever a block would cost too much
 * to parse. Reads every character once.
 */
export function splitBlocks(text: string): MarkdownBlock[] {
  const blocks: MarkdownBlock[] = [];
  let open = NO_BLOCK;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) open = takeLine(open, line, blocks);
  return [...blocks, open];
}

/** The block after the next line, which has its line end if it is whole; finished ones go to `done`. */
export function takeLine(open: OpenBlock, line: string, done: MarkdownBlock[]): OpenBlock {
  const isBlank = line.trim() === "";
  if (open.kind === "code" && (open.fence !== null || isBlank)) return inCode(open, line);
  const isDeep = !isFenced(open) && depthOf(line) > MAX_DEPTH;
  const begins = !isBlank && open.firstLine !== "" && !isFenced(open) && beginsBlock(open, line, isDeep);
  let block = open;
  if (begins) {
    done.push(open);
    block = NO_BLOCK;
  }
  if (!isBlank && block.firstLine === "") {
    block = { ...block, firstLine: line, kind: isDeep ? "plain" : "markdown" };
    if ((fenceOf(line)?.indent ?? 4) < 4) return { ...openFence(block, line), kind: "code" };
  }
  return withinCost(block, line, done);
}

function isFenced({ fence, mathEnd }: OpenBlock): boolean {
  return fence !== null || mathEnd !== "";
}

function inCode(open: OpenBlock, line: string): OpenBlock {
  const isEnd = open.fence !== null && closesFence(line, open.fence.marker);
  return { ...open, text: open.text + line, fence: isEnd ? null : open.fence };
}

function beginsBlock(open: OpenBlock, line: string, isDeep: boolean): boolean {
  if (open.kind === "code" || (isDeep && open.kind !== "plain")) return true;
  if (open.kind === "markdown" && fenceOf(line)?.indent === 0) return true;
  const sawBlank = open.lastLine.trim() === "";
  if (!sawBlank || (open.kind === "markdown" && /^(?: {2}|\t)/.test(line))) return false;
  return !(LIST_ITEM.test(line) && LIST_ITEM.test(open.firstLine));
}

function withinCost(open: OpenBlock, line: string, done: MarkdownBlock[]): OpenBlock {
  const { cost, end } = addLine(open.cost, line);
  if (end === line.length) return append(open, line, cost);
  if (open.text !== "") {
    done.push(open);
    return takeLine(continuation(open, line), line, done);
  }
  const cut = spaceBefore(line, Math.max(1, end));
  const part = append(open, line.slice(0, cut), cost);
  done.push(part);
  return takeLine(continuation(part, line), line.slice(cut), done);
}

/** An empty block in which what `open` had to break off goes on. */
function continuation(open: OpenBlock, line: string): OpenBlock {
  const next = { ...NO_BLOCK, continues: true };
  const { fence } = open;
  if (fence !== null) return { ...next, kind: "code", lead: fence.line, firstLine: fence.line, fence };
  const { tableHead } = open;
  if (tableHead === "" || !line.includes("|")) return next;
  const { cost } = addLine(NO_COST, tableHead);
  return cost.units > MAX_COST / 2 ? next : { ...next, lead: tableHead, tableHead, cost };
}

function append(open: OpenBlock, line: string, cost: Cost): OpenBlock {
  const block = { ...open, text: open.text + line, lastLine: line, cost };
  if (open.kind === "plain" || line.trim() === "") return block;
  if (open.mathEnd !== "") return line.includes(open.mathEnd) ? { ...block, mathEnd: "" } : block;
  if (open.fence !== null) return closesFence(line, open.fence.marker) ? { ...block, fence: null } : block;
  if (fenceOf(line) !== null) return openFence({ ...block, text: open.text }, line);
  const isTable = TABLE_RULE.test(line.trimEnd()) && open.lastLine.includes("|");
  const tableHead = isTable ? `${open.lastLine.trimEnd()}\n${line.trimEnd()}\n` : open.tableHead;
  return { ...block, mathEnd: mathEndOf(line), tableHead };
}

function openFence(open: OpenBlock, line: string): OpenBlock {
  const marker = fenceOf(line)?.marker ?? "";
  return { ...open, text: open.text + line, lastLine: line, fence: { marker, line: `${line.trim()}\n` } };
}

function fenceOf(line: string): { readonly indent: number; readonly marker: string } | null {
  const found = FENCE.exec(line.trimEnd());
  return found === null ? null : { indent: found[1]?.length ?? 0, marker: found[2] ?? "" };
}

export function closesFence(line: string, marker: string): boolean {
  const rest = line.trim();
  return rest.length >= marker.length && (marker.startsWith("~") ? /^~+$/ : /^`+$/).test(rest);
}

/** What ends the formula that `line` opens; empty when it opens none, or closes its own. */
function mathEndOf(line: string): string {
  const math = MATH_FENCE.exec(line)?.[1];
  if (math === undefined) return "";
  const end = math === "$$" ? "$$" : "\\]";
  return line.slice(line.indexOf(math) + math.length).includes(end) ? "" : end;
}

/** Where to cut a line so that at most `limit` characters stay: after a space, never inside a character. */
function spaceBefore(line: string, limit: number): number {
  for (let end = limit; end > Math.max(0, limit - NEAR); end -= 1) {
    if (/\s/.test(line.charAt(end - 1))) return end;
  }
  const isHalf = /[\uD800-\uDBFF]/.test(line.charAt(limit - 1));
  return isHalf && limit > 1 ? limit - 1 : limit;
}
