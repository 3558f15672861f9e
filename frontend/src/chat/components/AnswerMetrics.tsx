import { useT } from "../../i18n/useLanguage.ts";
import { t } from "../../i18n/i18n.ts";
import { duration, number } from "../../ui/format.ts";
import { Disclosure } from "../../ui/Disclosure.tsx";
import type { Answer } from "../state/answerReducer.ts";
import styles from "./AnswerMetrics.module.css";

/** The numbers of one answer, folded. */
export function AnswerMetrics({ answer }: { readonly answer: Answer }) {
  useT();
  const { timings } = answer;
  if (timings === null) return null;
  return (
    <Disclosure
      className={styles.metrics}
      
      summary={<span>{t("chat:metrics.title", { total: duration(timings.total_ms) })}</span>}
    >
      <dl>
        {metrics(answer).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Disclosure>
  );
}

/** Name and value of each figure that is known. */
export function metrics({ timings, usage, model, passages }: Answer): [string, string][] {
  const rows: [string, string][] = [];
  if (timings !== null) {
    const { retrieval_ms: retrieval, first_token_ms: first, total_ms: total } = timings;
    if (retrieval !== null) rows.push([t("chat:metrics.retrieval"), duration(retrieval)]);
    if (first !== null) rows.push([t("chat:metrics.firstToken"), duration(first)]);
    rows.push([t("chat:metrics.total"), duration(total)]);
    const writing = first === null ? 0 : total - first;
    if (usage !== null && writing > 0) {
      const speed = Math.round(usage.output_tokens / (writing / 1000));
      rows.push([t("chat:metrics.speed"), t("chat:metrics.speedValue", { speed })]);
    }
  }
  if (usage !== null) {
    const said = { input: usage.input_tokens, output: usage.output_tokens };
    const key = usage.estimated ? "chat:metrics.aboutTokens" : "chat:metrics.tokensValue";
    rows.push([t("chat:metrics.tokens"), t(key, said)]);
  }
  if (model !== null) rows.push([t("chat:metrics.model"), model]);
  rows.push([t("chat:metrics.passages"), number(passages.length)]);
  return rows;
}
