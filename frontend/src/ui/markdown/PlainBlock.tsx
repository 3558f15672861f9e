import type { Mark } from "./Block.tsx";
import { CodeBlock } from "./CodeBlock.tsx";
import { closesFence } from "./blocks.ts";
import styles from "./Markdown.module.css";

const MARK = /(\[\d{1,3}\])/;

interface PlainProps {
  readonly text: string;
  readonly Mark: Mark;
}

/** Text as the model wrote it, its marks alive: for what would take too long to parse. */
export function PlainBlock({ text, Mark: MarkComponent }: PlainProps) {
  return (
    <p className={styles.plain}>
      {text
        .trim()
        .split(MARK)
        .map((part, index) =>
          index % 2 === 0 ? part : <MarkComponent key={index} marker={Number(part.slice(1, -1))} />,
        )}
    </p>
  );
}

/** A fence and what is inside: nothing of it is markdown. */
export function FencedBlock({ text }: { readonly text: string }) {
  const { language, code } = fenced(text);
  return (
    <CodeBlock>
      <code className={language === "" ? undefined : `language-${language}`}>{code}</code>
    </CodeBlock>
  );
}

function fenced(text: string): { readonly language: string; readonly code: string } {
  const [opening = "", ...lines] = text.replace(/^\s*\n/, "").trimEnd().split("\n");
  const [, indent = "", marker = "", info = ""] = /^([ \t]*)(`+|~+)(.*)$/.exec(opening) ?? [];
  if (closesFence(lines.at(-1) ?? "", marker)) lines.pop();
  const code = lines.map((line) => withoutIndent(line, indent.length)).join("\n");
  return { language: info.trim().split(/\s/)[0] ?? "", code: `${code}\n` };
}

function withoutIndent(line: string, most: number): string {
  let indent = 0;
  while (indent < most && line.charAt(indent) === " ") indent += 1;
  return line.slice(indent);
}
