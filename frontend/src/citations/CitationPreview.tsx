import { clock, place } from "../ui/format.ts";
import { VERDICTS, type MarkInfo } from "./marks.ts";

const WIDTH = 352;
const MARGIN = 12;
const LONGEST = 320;

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
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST).trimEnd()}…`;
}

export function CitationPreview({ id, info, near }: Props) {
  const where = place({ page: info.page, heading: info.heading, speaker: info.speaker });
  return (
    <div id={id} role="tooltip" className="preview" style={position(near)}>
      <p className="preview-title">{info.title}</p>
      {where === "" && info.startS === null ? null : (
        <p className="preview-place">
          {[where, info.startS === null ? "" : `at ${clock(info.startS)}`]
            .filter((part) => part !== "")
            .join(" · ")}
        </p>
      )}
      <p className="preview-text">{shorten(info.text)}</p>
      <p className={`verdict verdict--${info.verdict}`}>
        {VERDICTS[info.verdict]}
        {info.support === null ? "" : `: ${info.support}`}
      </p>
    </div>
  );
}
