import { createContext } from "react";

import { t } from "../i18n/i18n.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import type { Citation, MarkedPassage } from "../protocol/events.gen.ts";

/** What an answer stands on, as far as it is known while it is being written. */
export interface Evidence {
  readonly passages: readonly MarkedPassage[];
  readonly citations: readonly Citation[];
  /** False while the verdicts are still out. */
  readonly hasVerdicts: boolean;
}

export type Verdict = "pending" | "verified" | "unverified" | "unchecked" | "unknown";

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
  readonly onOpen: (target: PlaceInSource) => void;
}

export const MarksContext = createContext<Marks>({
  passages: [],
  citations: [],
  hasVerdicts: false,
  onOpen: () => undefined,
});

/** Without a reason, nothing was checked: the time for it was over. */
function checkedVerdict({ verified, support }: Citation): Verdict {
  if (verified) return "verified";
  return support === null ? "unchecked" : "unverified";
}

function verdictOf(citation: Citation | undefined, isKnown: boolean, hasVerdicts: boolean): Verdict {
  if (citation?.passage_id === null) return "unknown";
  if (citation !== undefined) return checkedVerdict(citation);
  return hasVerdicts && !isKnown ? "unknown" : "pending";
}

/** Everything known about `[marker]`, from its verdict if there is one, else from its passage. */
export function describeMark(marker: number, evidence: Evidence): MarkInfo {
  const passage = evidence.passages.find((other) => other.marker === marker);
  const citation = evidence.citations.find((other) => other.marker === marker);
  const passageId = citation?.passage_id ?? passage?.passage_id ?? null;
  const sourceId = citation?.source_id ?? passage?.source_id ?? null;
  const verdict = verdictOf(citation, passage !== undefined, evidence.hasVerdicts);
  return {
    marker,
    verdict,
    title: citation?.title ?? passage?.title ?? t("citations:noSuchSource"),
    text: citation?.quote ?? passage?.text ?? t("citations:notGiven"),
    support: citation?.support ?? null,
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
  readonly label: string;
}

const named = new WeakMap<Marks, Map<number, NamedMark>>();

/** `[marker]` under `marks`. An answer may repeat one mark thousands of times: it is read once. */
export function namedMark(marker: number, marks: Marks): NamedMark {
  const known = named.get(marks) ?? new Map<number, NamedMark>();
  named.set(marks, known);
  const mark = known.get(marker) ?? nameMark(describeMark(marker, marks));
  known.set(marker, mark);
  return mark;
}

function nameMark(info: MarkInfo): NamedMark {
  const { marker, title, verdict } = info;
  return { info, label: t("citations:mark", { marker, title, verdict: t(`citations:verdict.${verdict}`) }) };
}

/** The verdict, and why, in words. */
export function verdictText({ verdict, support }: Pick<MarkInfo, "verdict" | "support">): string {
  const said = t(`citations:verdict.${verdict}`);
  return support === null ? said : t("citations:support", { verdict: said, why: support });
}
