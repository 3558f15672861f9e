import "./markdown.css";

import { lazy, memo, Suspense, useState } from "react";

import { Block, type Mark } from "./Block.tsx";
import { BlockSplitter } from "./BlockSplitter.ts";
import { hasMath, withDollarMath } from "./mathText.ts";

const MathBlock = lazy(() => import("./MathBlock.tsx"));

interface Props {
  readonly text: string;
  /** Shows the caret after the last character. */
  readonly streaming: boolean;
  /** Draws `[n]`. Must keep its identity, or every block is parsed again. */
  readonly Mark: Mark;
}

/** Markdown that grows: finished blocks are parsed once, only the last one again. */
export function Markdown({ text, streaming, Mark: mark }: Props) {
  const [splitter] = useState(() => new BlockSplitter());
  const blocks = splitter.split(text);
  return (
    <div className={streaming ? "md streaming-cursor" : "md"}>
      {blocks.map((block, index) => (
        // Blocks only ever grow at the end: the index is their identity.
        <Piece key={index} raw={block} Mark={mark} />
      ))}
    </div>
  );
}

/** One block, with formulas if it has any. Memoised: a finished one costs nothing any more. */
const Piece = memo(function Piece({ raw, Mark: mark }: { readonly raw: string; readonly Mark: Mark }) {
  const block = withDollarMath(raw);
  const plain = <Block text={block} Mark={mark} />;
  return (
    // Each block reads in its own direction: an answer may quote in another script.
    <div className="md-block" dir="auto">
      {hasMath(block) ? (
        <Suspense fallback={plain}>
          <MathBlock text={block} Mark={mark} />
        </Suspense>
      ) : (
        plain
      )}
    </div>
  );
});
