/**
 * What one block may cost to parse, in units of one character of prose. The parser's time is
 * quadratic in the delimiters and in the nesting of a block, and a growing block is parsed with
 * every frame: what bounds the block bounds the frame.
 */
export const MAX_COST = 20_000;
/** Quotes, list items and footnotes inside each other; a line with more is not parsed at all. */
export const MAX_DEPTH = 16;

const PUNCTUATION = 40;
const LINE = 60;
const CONTAINER = 150;
const INDENT = 10;
const MAX_INDENT = 100;
const FORMULA = 10;
/** A formula becomes a dozen elements, however short it is. */
const DRAWN = 100;
/** The parser may read from the start of an address to the end of the word, in vain. */
const REREAD = 1;
const ADDRESS = /www\.|https?:\/\//iy;

const MARKER = / {0,3}(?:>|[-+*](?=\s|$)|\d{1,9}[.)](?=\s|$)|\[\^[^\]\s]{1,40}\]:)[ \t]?/y;

export interface Cost {
  readonly units: number;
  /** True where a formula that began has not ended. */
  readonly inFormula: boolean;
}

export const NO_COST: Cost = { units: 0, inFormula: false };

/** How many quotes, list items and footnotes the line opens; what is deeper than allowed is not counted on. */
export function depthOf(line: string): number {
  MARKER.lastIndex = 0;
  let depth = 0;
  while (depth <= MAX_DEPTH && MARKER.test(line)) depth += 1;
  return depth;
}

/** The cost with `line` added, and how much of the line can be had for `MAX_COST`. */
export function addLine(before: Cost, line: string): { readonly cost: Cost; readonly end: number } {
  let units = before.units + LINE + INDENT * indentOf(line) + CONTAINER * Math.min(depthOf(line), MAX_DEPTH);
  let inFormula = before.inFormula;
  let addresses = 0; // of the word so far
  for (let index = 0; index < line.length; index += 1) {
    const code = line.charCodeAt(index);
    const wasInFormula = inFormula;
    inFormula = isInFormula(inFormula, code, line.charCodeAt(index + 1));
    if (inFormula && !wasInFormula) units += DRAWN;
    addresses = code <= SPACE ? 0 : addresses + (beginsAddress(code, line, index) ? 1 : 0);
    units += (isPunctuation(code) ? PUNCTUATION : inFormula ? FORMULA : 1) + REREAD * addresses;
    if (units > MAX_COST) return { cost: { units, inFormula }, end: index };
  }
  return { cost: { units, inFormula }, end: line.length };
}

function indentOf(line: string): number {
  let indent = 0;
  while (indent < MAX_INDENT && /[ \t]/.test(line.charAt(indent))) indent += 1;
  return indent;
}

function beginsAddress(code: number, line: string, at: number): boolean {
  if (!ADDRESS_LETTERS.has(code)) return false;
  ADDRESS.lastIndex = at;
  return ADDRESS.test(line);
}

function isPunctuation(code: number): boolean {
  const isAscii = code > 32 && code < 127;
  const isDigit = code >= 48 && code <= 57;
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return isAscii && !isDigit && !isLetter;
}

const [SPACE, DOLLAR, BACKSLASH] = [32, 36, 92];
const ADDRESS_LETTERS = new Set([72, 87, 104, 119]); // hw, in both cases
const [OPENING, CLOSING] = [new Set([40, 91]), new Set([41, 93])];

function isInFormula(inFormula: boolean, code: number, next: number): boolean {
  if (code === DOLLAR && next === DOLLAR) return !inFormula;
  if (code !== BACKSLASH) return inFormula;
  if (OPENING.has(next)) return true;
  return CLOSING.has(next) ? false : inFormula;
}
