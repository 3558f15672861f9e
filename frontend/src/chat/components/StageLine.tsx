import { Fragment, use } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { t } from "../../i18n/i18n.ts";
import { duration } from "../../ui/format.ts";
import { Disclosure } from "../../ui/Disclosure.tsx";
import type { Answer } from "../state/answerReducer.ts";
import { stepsOf, type Step } from "../state/evidence.ts";
import { ConnectionContext } from "./chatContext.ts";
import { RetrievalTrace } from "./RetrievalTrace.tsx";
import { cx } from "../../ui/cx.ts";
import styles from "./StageLine.module.css";

/**
 * What happens before and while the answer is written, with counts and times. When it is finished
 * the same line says how it was found, so that nothing moves; opened, it shows every step.
 */
export function StageLine({ answer }: { readonly answer: Answer }) {
  useT();
  const steps = stepsOf(answer.evidence);
  const isStreaming = answer.phase === "streaming";
  if (!isStreaming && steps.every((step) => step.result === "")) {
    // A continued answer has no search of its own. The line stays, so that the text does not move.
    return answer.text === "" || steps.length === 0 ? null : (
      <p className={styles.plain}>{t("chat:found.before")}</p>
    );
  }
  return (
    <Disclosure
      className={styles.line}
      summary={
        <span className={styles.stages}>
          <b className={isStreaming ? cx(styles.stage, styles.running) : styles.stage}>
            {isStreaming ? <RunningName steps={steps} /> : t("chat:found.title")}
          </b>
          <span className={styles.results}>
            {isStreaming ? <FinishedSteps steps={steps} /> : resultLine(steps)}
          </span>
        </span>
      }
    >
      <RetrievalTrace evidence={answer.evidence} />
    </Disclosure>
  );
}

/** A stage that took less than a frame is still seen: it stays, by name, while the answer streams. */
function FinishedSteps({ steps }: { readonly steps: readonly Step[] }) {
  const finished = steps.filter((step) => !step.isRunning);
  return finished.map((step, index) => (
    <Fragment key={index}>
      {index > 0 && " → "}
      <b className={styles.stage}>{step.name}</b> {step.result}
    </Fragment>
  ));
}

function RunningName({ steps }: { readonly steps: readonly Step[] }) {
  const connection = use(ConnectionContext);
  const running = steps.findLast((step) => step.isRunning) ?? steps.at(-1);
  if (running !== undefined) return t("chat:stage.running", { stage: running.name });
  return t(connection === "offline" ? "chat:stage.waiting" : "chat:stage.sending");
}

function resultLine(steps: readonly Step[]): string {
  const results = steps.map((step) => step.result).filter((result) => result !== "");
  const total = steps.reduce((sum, step) => sum + (step.ms ?? 0), 0);
  return results.length === 0 ? "" : `${results.join(" → ")} · ${duration(total)}`;
}
