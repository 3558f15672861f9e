import { splitBlocks } from "./blocks.ts";

/**
 * `splitBlocks` for a text that grows. Only its last two blocks are looked at again: whether there
 * is a cut between them depends on the last line, which may not be whole.
 */
export class BlockSplitter {
  #text = "";
  #blocks: readonly string[] = [""];

  split(text: string): readonly string[] {
    if (text === this.#text) return this.#blocks;
    if (text.startsWith(this.#text)) {
      const open = this.#blocks.slice(-2).join("\n").length;
      const rest = splitBlocks(text.slice(this.#text.length - open));
      this.#blocks = [...this.#blocks.slice(0, -2), ...rest];
    } else {
      this.#blocks = splitBlocks(text);
    }
    this.#text = text;
    return this.#blocks;
  }
}
