import rehypeKatex from "rehype-katex";
import { SKIP, visit } from "unist-util-visit";

type Typeset = ReturnType<typeof rehypeKatex>;
type Root = Parameters<Typeset>[0];
type Content = Root["children"][number];
type Element = Extract<Content, { type: "element" }>;

// `trust` stays off: no links, pictures or classes out of formulas. Broken formulas show as text.
// MathML needs neither fonts nor inline styles, which the Content-Security-Policy refuses.
const OPTIONS = { output: "mathml", trust: false, strict: "ignore", maxExpand: 200, maxSize: 20 } as const;
const MAX_KEPT = 1_000;

/** What became of a formula. A function of its text alone, so that all answers share it. */
const kept = new Map<string, Element["children"]>();

/**
 * Draws formulas. A growing block is parsed with every step, and typesetting a formula takes longer
 * than parsing it: each is typeset once.
 */
export function rehypeFormulas(): Typeset {
  const typeset = rehypeKatex(OPTIONS);
  return (tree, file) => {
    visit(tree, "element", (element, index, parent) => {
      const formula = formulaIn(element);
      if (formula === null || index === undefined || parent === undefined) return undefined;
      const alone: Root = { type: "root", children: [element] };
      if (!kept.has(formula)) typeset(alone, file);
      const drawn = kept.get(formula) ?? keep(formula, alone.children);
      parent.children.splice(index, 1, ...drawn);
      return [SKIP, index + drawn.length];
    });
  };
}

function keep(formula: string, drawn: readonly Content[]): Element["children"] {
  if (kept.size === MAX_KEPT) kept.clear();
  const children = drawn.filter((child) => child.type !== "doctype");
  kept.set(formula, children);
  return children;
}

/** The text of a formula and how it is set, as `remark-math` marks it; null for anything else. */
function formulaIn(element: Element): string | null {
  const code = element.tagName === "pre" ? element.children[0] : element;
  if (code?.type !== "element" || code.tagName !== "code") return null;
  const { className } = code.properties;
  const look = Array.isArray(className) ? className.find((name) => MATH.has(name)) : undefined;
  const [text] = code.children;
  return look === undefined || text?.type !== "text" ? null : `${look} ${text.value}`;
}

const MATH = new Set<string | number>(["math-inline", "math-display"]);
