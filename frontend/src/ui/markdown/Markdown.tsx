import { lazy, memo, Suspense, useState } from "react";

import { Block, type Mark } from "./Block.tsx";
import type { MarkdownBlock } from "./blocks.ts";
import { BlockSplitter } from "./BlockSplitter.ts";
import { hasMath, withDollarMath } from "./mathText.ts";
import { FencedBlock, PlainBlock } from "./PlainBlock.tsx";
import { cx } from "../cx.ts";
import styles from "./Markdown.module.css";

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
    <div data-markdown className={streaming ? cx(styles.markdown, "streaming-cursor") : styles.markdown}>
      {blocks.map(({ text: raw, kind, continues, lead }, index) => (
        // Blocks only ever grow at the end: the index is their identity.
        <Piece key={index} raw={raw} kind={kind} continues={continues} lead={lead} Mark={mark} />
      ))}
    </div>
  );
}

interface PieceProps {
  readonly raw: string;
  readonly kind: MarkdownBlock["kind"];
  readonly continues: boolean;
  readonly lead: string;
  readonly Mark: Mark;
}

/** One block. Memoised: a finished one costs nothing any more. */
const Piece = memo(function Piece(props: PieceProps) {
  return (
    // Each block reads in its own direction: an answer may quote in another script.
    <div className={styles.block} dir="auto">
      {content(props)}
    </div>
  );
});

function content({ raw, kind, continues, lead, Mark: mark }: PieceProps) {
  if (raw.trim() === "") return null;
  if (kind === "plain") return <PlainBlock text={raw} Mark={mark} />;
  if (kind === "code") return <FencedBlock text={lead + raw} />;
  // What was indented below a list item that is no longer above it would become code.
  const block = withDollarMath(lead + (continues ? raw.trimStart() : raw));
  const plain = <Block text={block} Mark={mark} />;
  if (!hasMath(block)) return plain;
  return (
    <Suspense fallback={plain}>
      <MathBlock text={block} Mark={mark} />
    </Suspense>
  );
}
