/**
 * The server counts characters, JavaScript counts UTF-16 units: where in `text` the character with
 * an offset of the server begins. Offsets beyond the text are those of its end.
 */
export function unitsOf(text: string): (offset: number) => number {
  if (!/[\uD800-\uDBFF]/.test(text)) return (offset) => Math.min(offset, text.length);
  const units = [0];
  for (const character of text) units.push((units.at(-1) ?? 0) + character.length);
  return (offset) => units[offset] ?? text.length;
}

/** How many characters the server counts. */
export function lengthOf(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}
