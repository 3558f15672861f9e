import { createContext } from "react";

import { t } from "../i18n/i18n.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import type { Citation, MarkedPassage } from "../protocol/events.gen.ts";
import type { MarkNumbers } from "./markNumbers.ts";

/** What an answer stands on, as far as it is known while it is being written. */
export interface Evidence {
  readonly passages: readonly MarkedPassage[];
  readonly citations: readonly Citation[];
  /** False while the verdicts are still out. */
  readonly hasVerdicts: boolean;
  /** Whether the answer is made of quotes: then there is nothing to verify. */
  readonly isQuoted: boolean;
}

export type Verdict = "pending" | "quoted" | "verified" | "unverified" | "unchecked" | "unknown";

/** One `[n]`: what to show of it, and where it leads. */
export interface MarkInfo {
  readonly marker: number;
  readonly verdict: Verdict;
  readonly title: string;
  readonly text: string;
  readonly support: string | null;
  readonly page: number | null;
  readonly startS: number | null;
  readonly heading: string | null;
  readonly speaker: string | null;
  readonly target: PlaceInSource | null;
}

export interface Marks extends Evidence {
  readonly numbers: MarkNumbers;
  readonly onOpen: (target: PlaceInSource) => void;
}

export const MarksContext = createContext<Marks>({
  passages: [],
  citations: [],
  hasVerdicts: false,
  isQuoted: false,
  numbers: new Map(),
  onOpen: () => undefined,
});

/** Without a reason, nothing was checked: the time for it was over. */
function checkedVerdict({ verified, support }: Citation): Verdict {
  if (verified) return "verified";
  return support === null ? "unchecked" : "unverified";
}

function verdictOf(citation: Citation | undefined, isKnown: boolean, evidence: Evidence): Verdict {
  if (citation?.passage_id === null) return "unknown";
  if (citation === undefined && !isKnown) {
    return evidence.hasVerdicts || evidence.passages.length > 0 ? "unknown" : "pending";
  }
  if (evidence.isQuoted) return "quoted";
  return citation === undefined ? "pending" : checkedVerdict(citation);
}

/** Everything known about `[marker]`, from its verdict if there is one, else from its passage. */
export function describeMark(marker: number, evidence: Evidence): MarkInfo {
  const passage = evidence.passages.find((other) => other.marker === marker);
  const citation = evidence.citations.find((other) => other.marker === marker);
  const passageId = citation?.passage_id ?? passage?.passage_id ?? null;
  const sourceId = citation?.source_id ?? passage?.source_id ?? null;
  const verdict = verdictOf(citation, passage !== undefined, evidence);
  return {
    marker,
    verdict,
    title: citation?.title ?? passage?.title ?? "",
    text: citation?.quote ?? passage?.text ?? "",
    support: verdict === "quoted" ? null : (citation?.support ?? null),
    page: citation?.page ?? passage?.page ?? null,
    startS: citation?.start_s ?? passage?.start_s ?? null,
    heading: passage?.heading ?? null,
    speaker: citation?.speaker ?? passage?.speaker ?? null,
    target:
      passageId === null || sourceId === null || verdict === "unknown"
        ? null
        : {
            sourceId,
            passageId,
            page: citation?.page ?? passage?.page ?? null,
            quoteStart: citation?.quote_start ?? null,
            quoteEnd: citation?.quote_end ?? null,
            quote: citation?.quote ?? null,
          },
  };
}

/** What `describeMark` found, and what the mark is called. */
export interface NamedMark {
  readonly info: MarkInfo;
  /** As it is shown: in the order of first appearance. */
  readonly number: number;
  readonly label: string;
}

const named = new WeakMap<Marks, Map<number, NamedMark>>();

/** `[marker]` under `marks`. An answer may repeat one mark thousands of times: it is read once. */
export function namedMark(marker: number, marks: Marks): NamedMark {
  const known = named.get(marks) ?? new Map<number, NamedMark>();
  named.set(marks, known);
  const mark = known.get(marker) ?? nameMark(describeMark(marker, marks), marks.numbers.get(marker) ?? marker);
  known.set(marker, mark);
  return mark;
}

function nameMark(info: MarkInfo, number: number): NamedMark {
  const { title, verdict } = info;
  const said = verdict === "unknown" ? "" : t(`citations:verdict.${verdict}`);
  return { info, number, label: t("citations:mark", { marker: number, title, verdict: said }) };
}

/** The verdict, and why, in words. */
export function verdictText({ verdict, support }: Pick<MarkInfo, "verdict" | "support">): string {
  const said = t(`citations:verdict.${verdict}`);
  return support === null ? said : t("citations:support", { verdict: said, why: support });
}
