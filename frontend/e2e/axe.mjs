import { readFile } from "node:fs/promises";

import { check } from "./browser.mjs";

const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const EVERY_RULE = {};
const CONTRAST = { runOnly: ["color-contrast"] };

/** Throws with every rule of axe that this state of the page breaks; in the dark only colours differ. */
export async function isAccessible(page, state) {
  for (const [colorScheme, rules] of Object.entries({ light: EVERY_RULE, dark: CONTRAST })) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
    const violations = await page.evaluate(async (chosen) => {
      const found = await window.axe.run(document, { resultTypes: ["violations"], ...chosen });
      return found.violations.map(({ id, nodes }) => {
        const { html, failureSummary } = nodes[0];
        return `${id} (${nodes.length}): ${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`;
      });
    }, rules);
    check(violations.length === 0, `${state}, ${colorScheme}:\n${violations.join("\n")}`);
  }
}
