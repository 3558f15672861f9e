/** What names stand for; false for what is no name. */
const known = new Map<string, string | false>();
const MAX_KNOWN = 3_000; // there are 2,125

/**
 * What `&name;` stands for, as `decode-named-character-reference` has it, in whose place the page
 * uses this: the browser is asked once, not with every step of a growing text. The Markdown parser
 * gives it letters and digits only.
 */
export function decodeNamedCharacterReference(name: string): string | false {
  const before = known.get(name);
  if (before !== undefined) return before;
  const decoded = decode(`&${name};`);
  if (known.size === MAX_KNOWN) known.clear();
  known.set(name, decoded);
  return decoded;
}

function decode(reference: string): string | false {
  const element = document.createElement("i");
  element.innerHTML = reference;
  const decoded = element.textContent;
  // `&notit;` becomes `¬it;`: the start of a name alone does not count.
  const isPartly = decoded.endsWith(";") && reference !== "&semi;";
  return isPartly ? false : decoded;
}
