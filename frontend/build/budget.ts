import { gzipSync } from "node:zlib";

import type { Plugin, Rolldown } from "vite";

type Bundle = Rolldown.OutputBundle;

/** Everything the browser fetches before the page can be used: the entry and what it imports. */
function firstFiles(bundle: Bundle): Set<string> {
  const files = new Set<string>();
  const visit = (name: string): void => {
    const chunk = bundle[name];
    if (files.has(name) || chunk?.type !== "chunk") return;
    files.add(name);
    for (const imported of chunk.imports) visit(imported);
  };
  for (const file of Object.values(bundle)) {
    if (file.type === "chunk" && file.isEntry) visit(file.fileName);
    if (file.fileName.endsWith(".css")) files.add(file.fileName);
  }
  return files;
}

function gzipped(file: Bundle[string] | undefined): number {
  if (file === undefined) return 0;
  return gzipSync(file.type === "chunk" ? file.code : file.source).length;
}

/**
 * Says when the first view of a conversation takes more than `kilobytes`, gzipped. Only a build that
 * is checked fails: nobody who starts the server is helped by none.
 */
export function budget(kilobytes: number): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const bytes = [...firstFiles(bundle)].reduce((sum, name) => sum + gzipped(bundle[name]), 0);
        const size = `${(bytes / 1024).toFixed(0)} KB of ${kilobytes} KB gzipped`;
        if (bytes <= kilobytes * 1024) this.info(`The page takes ${size}.`);
        else if (process.env.PAGE_BUDGET === "enforced") this.error(`The page is too large: ${size}.`);
        else this.warn(`The page is too large: ${size}.`);
      },
    },
  };
}
