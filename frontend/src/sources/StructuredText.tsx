import { partsOf, type Part, type Range, type Span } from "./structure.ts";
import styles from "./StructuredText.module.css";

interface Props {
  readonly text: string;
  readonly structure: readonly Span[];
  /** Marked, wherever it is drawn. */
  readonly highlight: readonly [number, number] | null;
}

/** A text with its tables, lists and code drawn as such. */
export function StructuredText({ text, structure, highlight }: Props) {
  return partsOf(text, structure).map((part, index) => (
    <Drawn key={index} {...{ part, text, highlight }} />
  ));
}

interface DrawnProps extends Omit<Props, "structure"> {
  readonly part: Part;
}

function Drawn({ part, text, highlight }: DrawnProps) {
  const words = (range: Range | null) =>
    range === null ? null : <Words {...{ text, range, highlight }} />;
  switch (part.kind) {
    case "text":
      return (
        <p className={styles.text} dir="auto">
          {words(part.range)}
        </p>
      );
    case "code":
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- focusable, so that the keyboard can scroll it
        <pre className={styles.code} dir="ltr" tabIndex={0}>
          {words(part.range)}
        </pre>
      );
    case "list":
      return (
        // eslint-disable-next-line jsx-a11y/no-redundant-roles -- Safari drops the role of a list without markers
        <ul className={styles.list} role="list">
          {part.items.map((item) => (
            <li key={item.start} dir="auto">
              {words(item)}
            </li>
          ))}
        </ul>
      );
    case "fields":
      return (
        <table className={styles.table}>
          <tbody>
            {part.fields.map(({ label, value }) => (
              <tr key={value.start}>
                <th scope="row" dir="auto">
                  {label}
                </th>
                <td dir="auto">{words(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      );
    case "table":
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- focusable, so that the keyboard can scroll it
        <div className={styles.scroll} tabIndex={0}>
          <table className={styles.table}>
            {part.columns.some((column) => column !== "") ? (
              <thead>
                <tr>
                  {part.columns.map((column) => (
                    <th key={column} scope="col" dir="auto">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
            ) : null}
            <tbody>
              {part.rows.map((row, number) => (
                <tr key={number}>
                  {row.map((value, at) => (
                    <td key={at} dir="auto">
                      {words(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

interface WordsProps extends Omit<Props, "structure"> {
  readonly range: Range;
}

function Words({ text, range: { start, end }, highlight }: WordsProps) {
  const from = Math.max(start, highlight?.[0] ?? end);
  const to = Math.min(end, highlight?.[1] ?? end);
  if (from >= to) return text.slice(start, end);
  return (
    <>
      {text.slice(start, from)}
      <mark>{text.slice(from, to)}</mark>
      {text.slice(to, end)}
    </>
  );
}
