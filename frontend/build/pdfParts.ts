import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import pdfjs from "pdfjs-dist/package.json" with { type: "json" };
import type { Plugin } from "vite";

/** What pdf.js fetches for some files only: character maps, fonts that files name, decoders. */
export function pdfParts(): Plugin {
  const folder = (part: string): URL =>
    new URL(`${part}/`, import.meta.resolve("pdfjs-dist/package.json"));
  return {
    name: "pdf-parts",
    apply: "build",
    async generateBundle() {
      for (const part of ["cmaps", "standard_fonts", "wasm"]) {
        for (const name of await readdir(fileURLToPath(folder(part)))) {
          const fileName = `assets/pdfjs-${pdfjs.version}/${part}/${name}`;
          const source = await readFile(new URL(name, folder(part)));
          this.emitFile({ type: "asset", fileName, source });
        }
      }
    },
  };
}
