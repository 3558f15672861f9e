import { useT } from "../../i18n/useLanguage.ts";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { duration } from "../../ui/format.ts";
import type { Answer } from "../state/answerReducer.ts";
import styles from "./Reasoning.module.css";

/** What the model thinks before it answers: folded, and growing while it thinks. */
export function Reasoning({ answer: { reasoning, evidence, phase } }: { readonly answer: Answer }) {
  const t = useT();
  const ended = evidence.findLast((event) => event.type === "reasoning_complete");
  const isRunning = ended === undefined && phase === "streaming";
  if (reasoning === "") return null;
  return (
    <Disclosure
      summary={
        ended === undefined
          ? t(isRunning ? "chat:reasoning.running" : "chat:reasoning.cut")
          : t("chat:reasoning.done", { time: duration(ended.content.ms) })
      }
    >
      <div className={isRunning ? styles.growing : styles.text} role="region" aria-label={t("chat:stage.reasoning")}>
        <p dir="auto">{reasoning.trimStart()}</p>
      </div>
    </Disclosure>
  );
}
