import { duration } from "../../ui/format.ts";
import { Fold } from "../../ui/Fold.tsx";
import type { Answer } from "../answerReducer.ts";

/** The numbers of one answer, folded. */
export function Figures({ answer }: { readonly answer: Answer }) {
  const rows = figures(answer);
  const { timings } = answer;
  if (timings === null) return null;
  return (
    <Fold className="figures" summary={<span>Figures ({duration(timings.total_ms)})</span>}>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Fold>
  );
}

/** Name and value of each figure that is known. */
export function figures({ timings, usage, model, passages }: Answer): [string, string][] {
  const rows: [string, string][] = [];
  if (timings !== null) {
    const first = timings.first_token_ms;
    if (timings.retrieval_ms !== null) rows.push(["Retrieval", duration(timings.retrieval_ms)]);
    if (first !== null) rows.push(["First token", duration(first)]);
    rows.push(["Total", duration(timings.total_ms)]);
    const writing = first === null ? 0 : timings.total_ms - first;
    if (usage !== null && writing > 0) {
      const speed = usage.output_tokens / (writing / 1000);
      rows.push(["Speed", `${speed.toFixed(0)} tokens/s`]);
    }
  }
  if (usage !== null) {
    const about = usage.estimated ? "about " : "";
    rows.push(["Tokens", `${about}${usage.input_tokens} in, ${usage.output_tokens} out`]);
  }
  if (model !== null) rows.push(["Model", model]);
  rows.push(["Passages", String(passages.length)]);
  return rows;
}
