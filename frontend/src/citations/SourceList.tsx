import { useT } from "../i18n/useLanguage.ts";
import { t } from "../i18n/i18n.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import type { Citation } from "../protocol/events.gen.ts";
import { cx } from "../ui/cx.ts";
import { count, place } from "../ui/format.ts";
import { Disclosure } from "../ui/Disclosure.tsx";
import { Icon } from "../ui/Icon.tsx";
import { describeMark, verdictText, type Evidence, type MarkInfo } from "./marks.ts";
import mark from "./CitationMark.module.css";
import styles from "./SourceList.module.css";
import verdict from "./verdict.module.css";

interface Props extends Evidence {
  readonly onOpen: (target: PlaceInSource) => void;
}

/** The sources of a finished answer, numbered as in its text: in the order of their first mark. */
export function SourceList({ onOpen, ...evidence }: Props) {
  useT();
  const cited = evidence.citations.filter(({ passage_id: passage }) => passage !== null);
  if (cited.length === 0) return null;
  return (
    <Disclosure summary={<span>{summaryOf(cited, evidence.isQuoted)}</span>}>
      <ol className={styles.list}>
        {cited.map(({ marker }, index) => (
          <SourceItem key={marker} number={index + 1} info={describeMark(marker, evidence)} onOpen={onOpen} />
        ))}
      </ol>
    </Disclosure>
  );
}

/** `2 sources`, or `16 passages from 2 sources` when there is more than one of some source. */
function extentOf(cited: readonly Citation[]): string {
  const sources = count(new Set(cited.map((one) => one.source_id)).size, "source");
  if (sources === count(cited.length, "source")) return sources;
  return t("citations:summary.extent", { passages: count(cited.length, "passage"), sources });
}

/** How many sources there are; of a model's claims also how many are not verified. */
function summaryOf(cited: readonly Citation[], isQuoted: boolean): string {
  const sources = extentOf(cited);
  if (isQuoted) return t("citations:summary.quoted", { sources });
  const doubtful = cited.filter(({ verified }) => !verified).length;
  if (doubtful === 0) return t("citations:summary.verified", { sources });
  return t("citations:summary.doubtful", { sources, count: doubtful });
}

interface ItemProps {
  readonly number: number;
  readonly info: MarkInfo;
  readonly onOpen: Props["onOpen"];
}

function SourceItem({ number, info, onOpen }: ItemProps) {
  const { target } = info;
  const where = place({
    page: info.page,
    start_s: info.startS,
    heading: info.heading,
    speaker: info.speaker,
  });
  return (
    <li>
      <button
        type="button"
        className={styles.item}
        disabled={target === null}
        onClick={() => {
          if (target !== null) onOpen(target);
        }}
      >
        <span className={cx(mark.mark, mark[info.verdict])}>{`[${number}]`}</span>
        <span className={styles.body}>
          <span className={styles.title}>
            <bdi>{info.title}</bdi>
            {where === "" ? null : <span className={styles.place}>{where}</span>}
          </span>
          <span className={styles.quote} dir="auto">{info.text}</span>
          <span className={cx(verdict.verdict, verdict[info.verdict])}>
            {verdictText(info)}
          </span>
        </span>
        {info.startS === null ? null : <Icon name="play" />}
      </button>
    </li>
  );
}
