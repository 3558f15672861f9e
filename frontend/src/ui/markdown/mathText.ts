const CODE_OR_MATH = /(`+)[^]*?\1|\\\(([^]+?)\\\)|\\\[([^]+?)\\\]/g;

/** Models write maths as `\( … \)` and `\[ … \]`; the parser knows `$$`. Code stays as it is. */
export function withDollarMath(markdown: string): string {
  if (!/\\[([]/.test(markdown)) return markdown;
  return markdown.replace(
    CODE_OR_MATH,
    (whole: string, code?: string, inline?: string, display?: string) => {
      if (code !== undefined) return whole;
      if (inline !== undefined) return `$$${inline}$$`;
      return display === undefined || /^\d+$/.test(display) ? whole : `\n$$\n${display.trim()}\n$$\n`;
    },
  );
}

export function hasMath(markdown: string): boolean {
  return markdown.includes("$$");
}
