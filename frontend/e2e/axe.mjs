import { readFile } from "node:fs/promises";

import { check } from "./browser.mjs";

const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Throws with every rule of axe that this state of the page breaks, in light and in dark. */
export async function isAccessible(page, state) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const found = await window.axe.run(document, { resultTypes: ["violations"] });
      return found.violations.map(({ id, nodes }) => {
        const { html, failureSummary } = nodes[0];
        return `${id} (${nodes.length}): ${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`;
      });
    });
    check(violations.length === 0, `${state}, ${colorScheme}:\n${violations.join("\n")}`);
  }
}
