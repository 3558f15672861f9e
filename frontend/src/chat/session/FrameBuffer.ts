import type { Frame } from "../../protocol/decode.ts";
import { reduceAnswer, type Answer } from "../state/answerReducer.ts";

type Update = (answer: Answer) => Answer;

/** Frames between two paints: however many arrive, the page changes once. */
export class FrameBuffer {
  readonly #schedule: (flush: () => void) => void;
  readonly #apply: (key: string, update: Update) => void;
  #waiting: { key: string; frame: Frame }[] = [];

  /** `apply` gets, for each answer, the function that folds its frames into it. */
  constructor(schedule: (flush: () => void) => void, apply: (key: string, update: Update) => void) {
    this.#schedule = schedule;
    this.#apply = apply;
  }

  add(key: string, frame: Frame): void {
    this.#waiting.push({ key, frame });
    if (this.#waiting.length > 1) return;
    this.#schedule(() => {
      this.flush();
    });
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const key of new Set(waiting.map((item) => item.key))) {
      const frames = waiting.filter((item) => item.key === key).map((item) => item.frame);
      this.#apply(key, (answer) => frames.reduce(reduceAnswer, answer));
    }
  }
}
