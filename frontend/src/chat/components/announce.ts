import { t } from "../../i18n/i18n.ts";
import type { Answer } from "../state/answerReducer.ts";
import { stepsOf } from "../state/evidence.ts";

/** How an answer ended, in words; empty while it has not. */
function ending(phase: Answer["phase"]): string {
  return phase === "idle" || phase === "streaming" ? "" : t(`chat:announce.${phase}`);
}

/** The end of the last whole sentence (or line) of `text`. */
export function sentenceEnd(text: string): number {
  const match = /^[^]*(?:[.!?:]["')\]]*(?:\s*\[\d{1,3}\])*\s|\n)/.exec(text);
  return match === null ? 0 : match[0].length;
}

/** Markdown read aloud: without markers, fences and emphasis. */
function spoken(markdown: string): string {
  return markdown
    .replace(/^[^\S\n]*[-+]\s/gm, "")
    .replace(/\[\d{1,3}\]/g, "")
    .replace(/[*_`#>|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** What a screen reader hears next: stages while there is no text, then whole sentences. */
export class Announcer {
  #key = "";
  #saidUpTo = 0;
  #stage = "";
  #phase: Answer["phase"] = "idle";

  /** The text to announce after this change of the answer; null when nothing is worth saying. */
  next(answer: Answer): string | null {
    if (answer.key !== this.#key) this.#begin(answer);
    if (this.#phase !== "streaming") return null;
    if (answer.phase !== "streaming") {
      this.#phase = answer.phase;
      const rest = spoken(answer.text.slice(this.#saidUpTo));
      return `${rest} ${ending(answer.phase)}`.trim();
    }
    return answer.text === "" ? this.#nextStage(answer) : this.#nextSentences(answer);
  }

  /** An answer that was finished before it came on screen is not read aloud. */
  #begin(answer: Answer): void {
    this.#key = answer.key;
    this.#saidUpTo = 0;
    this.#stage = "";
    this.#phase = answer.phase;
  }

  #nextStage(answer: Answer): string | null {
    const stage = stepsOf(answer.evidence).findLast((step) => step.isRunning)?.name ?? "";
    if (stage === "" || stage === this.#stage) return null;
    this.#stage = stage;
    return t("chat:announce.stage", { stage });
  }

  #nextSentences(answer: Answer): string | null {
    const unsaid = answer.text.slice(this.#saidUpTo);
    const end = sentenceEnd(unsaid);
    if (end === 0) return null;
    this.#saidUpTo += end;
    const sentences = spoken(unsaid.slice(0, end));
    return sentences === "" ? null : sentences;
  }
}
