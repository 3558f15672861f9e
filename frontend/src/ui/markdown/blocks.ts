const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const MATH_FENCE = /^\s*(\$\$|\\\[)/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;

/**
 * Cuts markdown into top-level pieces that can be parsed alone, so that an answer that grows
 * re-parses only its last piece. Joined with "\n" they are the text again.
 *
 * A cut is made at a blank line, but never inside a code or maths fence, before an indented line,
 * or between the items of one list.
 */
export function splitBlocks(text: string): string[] {
  const blocks: string[] = [];
  let block: string[] = [];
  let closing: string | null = null;
  let sawBlank = false;
  for (const line of text.split("\n")) {
    if (closing === null && sawBlank && line.trim() !== "" && beginsBlock(line, block)) {
      blocks.push(block.join("\n"));
      block = [];
    }
    block.push(line);
    sawBlank = line.trim() === "";
    closing = closing === null ? fenceEnd(line) : closes(line, closing) ? null : closing;
  }
  blocks.push(block.join("\n"));
  return blocks;
}

function beginsBlock(line: string, before: readonly string[]): boolean {
  if (/^(?: {2,}|\t)/.test(line)) return false;
  const first = before.find((other) => other.trim() !== "");
  return first !== undefined && !(LIST_ITEM.test(line) && LIST_ITEM.test(first));
}

/** What ends the fence that `line` opens; null when it opens none, or closes its own. */
function fenceEnd(line: string): string | null {
  const fence = FENCE.exec(line)?.[1];
  if (fence !== undefined) return fence;
  const math = MATH_FENCE.exec(line)?.[1];
  if (math === undefined) return null;
  const end = math === "$$" ? "$$" : "\\]";
  const rest = line.slice(line.indexOf(math) + math.length);
  return rest.includes(end) ? null : end;
}

function closes(line: string, closing: string): boolean {
  const isMath = closing === "$$" || closing === "\\]";
  if (isMath) return line.includes(closing);
  return line.trim().startsWith(closing) && new RegExp(`^[${closing.charAt(0)}]+$`).test(line.trim());
}
