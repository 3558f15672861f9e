import { place } from "../ui/format.ts";
import { cx } from "../ui/cx.ts";
import { verdictText, type MarkInfo } from "./marks.ts";
import verdict from "./verdict.module.css";
import styles from "./CitationPreview.module.css";

const WIDTH = 352;
const MARGIN = 12;
const MAX_LENGTH = 320;

interface Props {
  readonly id: string;
  readonly info: MarkInfo;
  /** The mark it belongs to, in viewport coordinates. */
  readonly near: DOMRect;
}

function position(near: DOMRect): React.CSSProperties {
  const width = Math.min(WIDTH, window.innerWidth - 2 * MARGIN);
  const left = Math.min(Math.max(MARGIN, near.left - 24), window.innerWidth - width - MARGIN);
  const isHigh = near.top < window.innerHeight / 2;
  return isHigh
    ? { left, width, top: near.bottom + 6 }
    : { left, width, bottom: window.innerHeight - near.top + 6 };
}

function shorten(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH).trimEnd()}…`;
}

export function CitationPreview({ id, info, near }: Props) {
  const { page, heading, speaker, startS } = info;
  const where = place({ page, heading, speaker, start_s: startS });
  return (
    <div id={id} role="tooltip" className={styles.preview} style={position(near)}>
      <p className={styles.title} dir="auto">{info.title}</p>
      {where === "" ? null : <p className={styles.place}>{where}</p>}
      <p className={styles.text} dir="auto">{shorten(info.text)}</p>
      <p className={cx(verdict.verdict, verdict[info.verdict])}>
        {verdictText(info)}
      </p>
    </div>
  );
}
