/** Models write maths as `\( … \)` and `\[ … \]`; the parser knows `$$`. Code stays as it is. */
export function withDollarMath(markdown: string): string {
  if (!/\\[([]/.test(markdown)) return markdown;
  const codeEnds = backtickEnds(markdown);
  const last = { ")": markdown.lastIndexOf("\\)"), "]": markdown.lastIndexOf("\\]") };
  const parts: string[] = [];
  let copied = 0;
  let at = 0;
  while (at < markdown.length) {
    const closing = markdown.startsWith("\\(", at) ? ")" : markdown.startsWith("\\[", at) ? "]" : null;
    // Looking for an end only where there is one keeps this linear.
    const end = closing === null || last[closing] < at + 3 ? -1 : markdown.indexOf(`\\${closing}`, at + 3);
    if (end === -1) {
      at = codeEnds.get(at) ?? at + 1;
    } else {
      const whole = markdown.slice(at, end + 2);
      parts.push(markdown.slice(copied, at), dollars(whole, closing === "]"));
      copied = at = end + 2;
    }
  }
  return parts.join("") + markdown.slice(copied);
}

function dollars(whole: string, isDisplay: boolean): string {
  const formula = whole.slice(2, -2);
  if (!isDisplay) return `$$${formula}$$`;
  return /^\d+$/.test(formula) ? whole : `\n$$\n${formula.trim()}\n$$\n`;
}

/** Where to read on from the start of each run of backticks: behind its code, or behind itself. */
function backtickEnds(markdown: string): Map<number, number> {
  const ends = new Map<number, number>();
  const closing = new Map<number, number>();
  for (const { index, 0: run } of [...markdown.matchAll(/`+/g)].reverse()) {
    const end = index + run.length;
    ends.set(index, closing.get(run.length) ?? end);
    closing.set(run.length, end);
  }
  return ends;
}

export function hasMath(markdown: string): boolean {
  return markdown.includes("$$");
}
