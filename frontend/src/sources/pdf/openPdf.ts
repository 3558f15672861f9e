import * as pdfjs from "pdfjs-dist";
import workerUrl from "pdfjs-dist/build/pdf.worker.min.mjs?url";

import { ROOT_PATH } from "../../protocol/addresses.ts";
import { quoteInText } from "../quoteInText.ts";
import styles from "./PdfView.module.css";

pdfjs.GlobalWorkerOptions.workerSrc = workerUrl;

// What pdf.js needs for some files only; the build puts its folders there.
const PARTS = `${ROOT_PATH}/assets/pdfjs-${pdfjs.version}`;

/** The open file. `close` it in the end: a worker holds it. */
export class OpenPdf {
  readonly #task: pdfjs.PDFDocumentLoadingTask;
  readonly #document: pdfjs.PDFDocumentProxy;

  constructor(task: pdfjs.PDFDocumentLoadingTask, document: pdfjs.PDFDocumentProxy) {
    this.#task = task;
    this.#document = document;
  }

  get pages(): number {
    return this.#document.numPages;
  }

  async close(): Promise<void> {
    await this.#task.destroy();
  }

  /** The page the quote is on: the one named, or one beside it when only that has the words. */
  async locate(named: number, quote: string): Promise<number> {
    const first = Math.min(Math.max(1, named), this.pages);
    for (const number of [first, first + 1, first - 1]) {
      if (number < 1 || number > this.pages) continue;
      const { items } = await (await this.#document.getPage(number)).getTextContent();
      const texts = items.map((item) => ("str" in item ? item.str : ""));
      if (quoteInText(texts, quote).length > 0) return number;
    }
    return first;
  }

  /**
   * Draws a page `width` CSS pixels wide into `host`, replacing what is there: the picture, and its
   * text over it for selecting, reading aloud and the lit quote. Returns the lit pieces. Nothing
   * is replaced once `signal` is aborted.
   */
  async draw(
    host: HTMLElement,
    at: { readonly page: number; readonly width: number; readonly quote: string },
    signal: AbortSignal,
  ): Promise<HTMLElement[]> {
    const page = await this.#document.getPage(at.page);
    const scale = at.width / page.getViewport({ scale: 1 }).width;
    const viewport = page.getViewport({ scale });
    const sharpness = Math.min(window.devicePixelRatio, 2);
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width * sharpness);
    canvas.height = Math.floor(viewport.height * sharpness);
    canvas.ariaHidden = "true"; // its text is read instead
    await page.render({ canvas, viewport, transform: [sharpness, 0, 0, sharpness, 0, 0] }).promise;
    const text = document.createElement("div");
    text.className = styles.textLayer ?? "";
    const layer = new pdfjs.TextLayer({
      textContentSource: await page.getTextContent(),
      container: text,
      viewport,
    });
    await layer.render();
    if (signal.aborted) return [];
    host.style.setProperty("--total-scale-factor", String(scale));
    host.style.aspectRatio = `${viewport.width} / ${viewport.height}`;
    host.replaceChildren(canvas, text);
    return light(layer, at.quote);
  }
}

/** Wraps the quote's letters in `mark` elements. */
function light({ textDivs, textContentItemsStr }: pdfjs.TextLayer, quote: string): HTMLElement[] {
  return quoteInText(textContentItemsStr, quote).flatMap(({ item, start, end }) => {
    const [element, text] = [textDivs[item], textContentItemsStr[item]];
    if (element === undefined || text === undefined) return [];
    const mark = document.createElement("mark");
    mark.textContent = text.slice(start, end);
    element.replaceChildren(text.slice(0, start), mark, text.slice(end));
    return [mark];
  });
}

/** Opens the file at `url`. Rejects when it cannot be fetched or is no PDF that can be shown. */
export async function openPdf(url: string): Promise<OpenPdf> {
  const task = pdfjs.getDocument({
    url,
    cMapUrl: `${PARTS}/cmaps/`,
    standardFontDataUrl: `${PARTS}/standard_fonts/`,
    wasmUrl: `${PARTS}/wasm/`,
    enableXfa: false,
  });
  return new OpenPdf(task, await task.promise);
}
