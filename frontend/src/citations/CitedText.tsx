import { useDeferredValue, useMemo } from "react";

import { useLanguage } from "../i18n/useLanguage.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import { Markdown } from "../ui/markdown/Markdown.tsx";
import { CitationMark } from "./CitationMark.tsx";
import { numberMarks, numbersInOrder } from "./markNumbers.ts";
import { MarksContext, type Evidence } from "./marks.ts";

interface Props extends Evidence {
  readonly text: string;
  readonly streaming: boolean;
  readonly onOpen: (target: PlaceInSource) => void;
}

/** An answer's text with its citation marks alive, also while it streams. */
export function CitedText({ text, streaming, passages, citations, hasVerdicts, isQuoted, onOpen }: Props) {
  const [language] = useLanguage();
  const known = useMemo(() => numberMarks(text, { passages, citations }), [text, passages, citations]);
  // A growing text seldom has a new mark: only then are all marks drawn again.
  const order = [...known.keys()].join();
  const numbers = useMemo(() => numbersInOrder(order), [order]);
  // Another language makes other marks: they say what they are.
  const marks = useMemo(
    () => ({ passages, citations, hasVerdicts, isQuoted, numbers, onOpen, language }),
    [passages, citations, hasVerdicts, isQuoted, numbers, onOpen, language],
  );
  // The verdicts change every mark of the answer: that may take more than one frame.
  const shown = useDeferredValue(marks);
  return (
    <MarksContext value={shown}>
      <Markdown text={text} streaming={streaming} Mark={CitationMark} />
    </MarksContext>
  );
}
