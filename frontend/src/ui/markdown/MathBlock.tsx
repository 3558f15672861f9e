import rehypeKatex from "rehype-katex";
import remarkMath from "remark-math";

import { Block, type BlockProps } from "./Block.tsx";

// `trust` stays off: no links, pictures or classes out of formulas. Broken formulas show as text.
// MathML needs neither fonts nor inline styles, which the Content-Security-Policy refuses.
const REMARK: BlockProps["extraRemark"] = [[remarkMath, { singleDollarTextMath: false }]];
const REHYPE: BlockProps["extraRehype"] = [
  [
    rehypeKatex,
    { output: "mathml", trust: false, strict: "ignore", maxExpand: 200, maxSize: 20 },
  ],
];

/** A piece with formulas. Its own chunk: most answers have none. */
export default function MathBlock(props: BlockProps) {
  return <Block {...props} extraRemark={REMARK} extraRehype={REHYPE} />;
}
