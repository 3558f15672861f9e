import { NO_BLOCK, takeLine, type MarkdownBlock } from "./blocks.ts";

/** `splitBlocks` for a text that grows: only its last line is read again. */
export class BlockSplitter {
  #text = "";
  #blocks: readonly MarkdownBlock[] = [NO_BLOCK];
  #done: MarkdownBlock[] = [];
  #open = NO_BLOCK;
  /** Where the last line begins, which may not be whole. */
  #read = 0;

  split(text: string): readonly MarkdownBlock[] {
    if (text === this.#text) return this.#blocks;
    if (!text.startsWith(this.#text)) this.#restart();
    this.#text = text;
    for (let end = text.indexOf("\n", this.#read); end !== -1; end = text.indexOf("\n", this.#read)) {
      this.#open = takeLine(this.#open, text.slice(this.#read, end + 1), this.#done);
      this.#read = end + 1;
    }
    const begun: MarkdownBlock[] = [];
    const rest = text.slice(this.#read);
    const last = rest === "" ? this.#open : takeLine(this.#open, rest, begun);
    this.#blocks = [...this.#done, ...begun, last];
    return this.#blocks;
  }

  #restart(): void {
    this.#done = [];
    this.#open = NO_BLOCK;
    this.#read = 0;
  }
}
