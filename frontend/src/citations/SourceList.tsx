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

/** The sources of a finished answer, numbered as in its text. */
export function SourceList({ onOpen, ...evidence }: Props) {
  useT();
  if (evidence.citations.length === 0) return null;
  return (
    <Disclosure
      
      summary={
        <span>
          {summaryOf(evidence.citations)}
        </span>
      }
    >
      <ol className={styles.list}>
        {evidence.citations.map(({ marker }) => (
          <SourceItem key={marker} info={describeMark(marker, evidence)} onOpen={onOpen} />
        ))}
      </ol>
    </Disclosure>
  );
}

/** How many sources there are and are not verified; marks that name no passage are no sources. */
function summaryOf(citations: readonly Citation[]): string {
  const existing = citations.filter(({ passage_id: passage }) => passage !== null);
  const invented = citations.length - existing.length;
  const doubtful = existing.filter(({ verified }) => !verified).length;
  const sources = count(existing.length, "source");
  const parts = [
    existing.length === 0
      ? ""
      : doubtful === 0
        ? t("citations:summary.verified", { sources })
        : t("citations:summary.doubtful", { sources, count: doubtful }),
    invented === 0 ? "" : t("citations:summary.noSource", { count: invented }),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function SourceItem({ info, onOpen }: { readonly info: MarkInfo; readonly onOpen: Props["onOpen"] }) {
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
        <span className={cx(mark.mark, mark[info.verdict])}>{`[${info.marker}]`}</span>
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
