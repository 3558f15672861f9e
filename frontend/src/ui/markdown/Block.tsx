import { memo, type ComponentType, type ReactNode } from "react";
import ReactMarkdown, { type Components, type Options } from "react-markdown";

import { CodeBlock } from "./CodeBlock.tsx";
import { readGfm } from "./gfm.ts";
import { remarkMarks } from "./remarkMarks.ts";
import styles from "./Markdown.module.css";

export type Mark = ComponentType<{ readonly marker: number }>;

export interface BlockProps {
  readonly text: string;
  readonly Mark: Mark;
  readonly extraRemark?: Options["remarkPlugins"];
  readonly extraRehype?: Options["rehypePlugins"];
}

/**
 * A link, spelled out and dead. An answer is made of documents that anyone may have written: its
 * words are for reading, and where they would lead is for the reader to see and decide.
 */
function Address({ href, children }: { readonly href?: string | undefined; readonly children?: ReactNode }) {
  const isWithinAnswer = href === undefined || href === "" || href.startsWith("#");
  if (isWithinAnswer || says(children, href)) return <span >{children}</span>;
  return (
    <span >
      {children} <span className={styles.address}>({href})</span>
    </span>
  );
}

/** True when the words of a link are its address already, as with `<https://…>`. */
function says(children: ReactNode, href: string): boolean {
  const bare = (address: string): string => address.replace(/^(?:https?:\/\/|mailto:)|\/$/gi, "");
  return typeof children === "string" && bare(children) === bare(href);
}

function components(mark: Mark): Components {
  // The block that grows is parsed with every step; most of its marks are those of the step before.
  const MarkComponent = memo(mark);
  return {
    a: ({ href, children }) => <Address href={href}>{children}</Address>,
    // Fetching a picture would tell its server what is being read.
    img: ({ alt }) => <span className={styles.picture}>{alt === undefined || alt === "" ? "[picture]" : alt}</span>,
    cite: ({ node }) => <MarkComponent marker={Number(node?.properties.dataMarker)} />,
    h1: ({ children }) => <h3>{children}</h3>,
    h2: ({ children }) => <h3>{children}</h3>,
    h3: ({ children }) => <h4>{children}</h4>,
    h4: ({ children }) => <h5>{children}</h5>,
    pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
    table: ({ children }) => (
      <div className={styles.table}>
        <table>{children}</table>
      </div>
    ),
  };
}

const known = new WeakMap<Mark, Components>();

function componentsFor(mark: Mark): Components {
  const made = known.get(mark) ?? components(mark);
  known.set(mark, made);
  return made;
}

/** One piece of markdown. No raw HTML, no pictures, no links. */
export const Block = memo(function Block({ text, Mark: mark, extraRemark, extraRehype }: BlockProps) {
  return (
    <ReactMarkdown
      remarkPlugins={[readGfm, ...(extraRemark ?? []), remarkMarks]}
      rehypePlugins={extraRehype ?? []}
      urlTransform={(url) => url} // no element gets one: addresses are shown, never followed
      components={componentsFor(mark)}
    >
      {text}
    </ReactMarkdown>
  );
});
