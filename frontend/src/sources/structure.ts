import { unitsOf } from "./units.ts";

/** Characters `start`..`end` of a text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Span extends Range {
  readonly kind: string;
}

export interface Cell {
  readonly label: string;
  readonly value: Range;
}

/** A part of a text, and how it is drawn. In a table, a row has one value (or none) per column. */
export type Part =
  | { readonly kind: "text" | "code"; readonly range: Range }
  | { readonly kind: "list"; readonly items: readonly Range[] }
  | { readonly kind: "fields"; readonly fields: readonly Cell[] }
  | {
      readonly kind: "table";
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (Range | null)[])[];
    };

const LABEL = /^([^:;|]{1,80}): /;

/** The parts of a text in order. What has no structure, or none that is known here, is text. */
export function partsOf(text: string, structure: readonly Span[]): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const spans of runs(structure, text)) {
    const [start, end] = [spans[0]?.start ?? at, spans.at(-1)?.end ?? at];
    pushText(parts, text, { start: at, end: start });
    parts.push(partOf(text, spans, { start, end }));
    at = end;
  }
  pushText(parts, text, { start: at, end: text.length });
  return parts;
}

/** The text between parts, without the empty lines that set it apart. */
function pushText(parts: Part[], text: string, { start, end }: Range): void {
  const words = text.slice(start, end);
  const trimmed = words.trim();
  if (trimmed === "") return;
  const from = start + words.indexOf(trimmed);
  parts.push({ kind: "text", range: { start: from, end: from + trimmed.length } });
}

/** Spans of one kind that follow each other without text in between. */
function runs(structure: readonly Span[], text: string): Span[][] {
  const groups: Span[][] = [];
  for (const span of structure) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (span.end > text.length || span.start < (last?.end ?? 0)) continue;
    const follows = last?.kind === span.kind && text.slice(last.end, span.start).trim() === "";
    if (follows && span.kind !== "code") group?.push(span);
    else groups.push([span]);
  }
  return groups;
}

function partOf(text: string, spans: readonly Span[], range: Range): Part {
  switch (spans[0]?.kind) {
    case "code":
      return { kind: "code", range };
    case "item":
      return { kind: "list", items: spans };
    case "row":
      return tableOf(text, spans) ?? { kind: "text", range };
    default:
      return { kind: "text", range };
  }
}

function tableOf(text: string, rows: readonly Range[]): Part | null {
  const cells = rows.map((row) => cellsOf(text, row));
  const fields = cells.flatMap((row) => (row.length === 1 ? row : []));
  if (fields.length === rows.length && fields.every(({ label }) => label !== "")) {
    return { kind: "fields", fields };
  }
  const columns = columnsOf(cells);
  if (columns.length < 2) return null;
  const merged = cells.map((row) => mergedInto(columns, row));
  return {
    kind: "table",
    columns,
    rows: merged.map((row) =>
      columns.map((column) => row.find(({ label }) => label === column)?.value ?? null),
    ),
  };
}

/** `Column: value; …` cut at each semicolon that a label follows; the first cell may have none. */
function cellsOf(text: string, row: Range): Cell[] {
  const cells: Cell[] = [];
  let start = row.start;
  for (const piece of text.slice(row.start, row.end).split("; ")) {
    const end = start + piece.length;
    const label = LABEL.exec(piece)?.[1] ?? "";
    const last = cells.at(-1);
    if (label === "" && last !== undefined) {
      cells[cells.length - 1] = { ...last, value: { start: last.value.start, end } };
    } else {
      const from = label === "" ? start : start + label.length + 2;
      cells.push({ label, value: { start: from, end } });
    }
    start = end + 2;
  }
  return cells;
}

/** The rows of a table without the names of their columns. */
export function valuesOf(text: string): string {
  const rows = text.split("\n");
  return rows
    .map((row) => {
      const cells = cellsOf(row, { start: 0, end: row.length });
      return cells.map(({ value }) => row.slice(value.start, value.end)).join(" ");
    })
    .join("\n");
}

/** Labels of the first row, and those of others that stand in more than one. */
function columnsOf(rows: readonly (readonly Cell[])[]): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    for (const label of new Set(row.map((cell) => cell.label))) {
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  }
  const first = new Set(rows[0]?.map(({ label }) => label));
  return [...counts].filter(([label, count]) => first.has(label) || count > 1).map(([label]) => label);
}

/** Cells that are no column, or a second time the same, are part of the value before them. */
function mergedInto(columns: readonly string[], row: readonly Cell[]): Cell[] {
  const merged: Cell[] = [];
  for (const cell of row) {
    const last = merged.at(-1);
    const isOwn = columns.includes(cell.label) && !merged.some(({ label }) => label === cell.label);
    if (isOwn || last === undefined) merged.push(cell);
    else merged[merged.length - 1] = { ...last, value: { start: last.value.start, end: cell.value.end } };
  }
  return merged;
}

/** The spans of `text.slice(from, to)`, cut at its borders. */
export function sliceSpans(structure: readonly Span[], from: number, to: number): Span[] {
  return structure
    .map(({ kind, start, end }) => ({
      kind,
      start: Math.max(start, from) - from,
      end: Math.min(end, to) - from,
    }))
    .filter(({ start, end }) => start < end);
}

/** Spans of the server, which counts characters. */
export function inUnits(text: string, structure: readonly Span[]): readonly Span[] {
  const unit = unitsOf(text);
  return structure.map(({ kind, start, end }) => ({ kind, start: unit(start), end: unit(end) }));
}
