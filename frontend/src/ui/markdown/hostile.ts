import hostile from "./hostile.json" with { type: "json" };

/** A text that repeats `unit`, after a `head` that decides how it is read. */
interface Hostile {
  readonly head: string;
  readonly unit: string;
}

/** What markdown parsers are slow at when it is repeated: delimiters, nesting, many small parts. */
export const HOSTILE: readonly Hostile[] = [
  ...hostile.repeated.map((unit) => ({ head: "", unit })),
  ...Object.entries(hostile.after).flatMap(([head, units]) => units.map((unit) => ({ head, unit }))),
  ...Array.from("*_[]()`<>|!&\\#.@~-+ \t$", (unit) => ({ head: "", unit })),
];
