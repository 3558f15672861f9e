import remarkMath from "remark-math";

import { Block, type BlockProps } from "./Block.tsx";
import { rehypeFormulas } from "./rehypeFormulas.ts";

const REMARK: BlockProps["extraRemark"] = [[remarkMath, { singleDollarTextMath: false }]];
const REHYPE: BlockProps["extraRehype"] = [rehypeFormulas];

/** A piece with formulas. Its own chunk: most answers have none. */
export default function MathBlock(props: BlockProps) {
  return <Block {...props} extraRemark={REMARK} extraRehype={REHYPE} />;
}
