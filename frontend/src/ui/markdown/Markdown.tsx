import "./markdown.css";

import { lazy, Suspense, useMemo } from "react";

import { Block, type Mark } from "./Block.tsx";
import { splitBlocks } from "./blocks.ts";
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
  const blocks = useMemo(() => splitBlocks(text), [text]);
  return (
    <div className={streaming ? "md streaming-cursor" : "md"}>
      {blocks.map((raw, index) => {
        const block = withDollarMath(raw);
        const plain = <Block text={block} Mark={mark} />;
        return (
          // Blocks only ever grow at the end: the index is their identity.
          <div className="md-block" key={index}>
            {hasMath(block) ? (
              <Suspense fallback={plain}>
                <MathBlock text={block} Mark={mark} />
              </Suspense>
            ) : (
              plain
            )}
          </div>
        );
      })}
    </div>
  );
}
