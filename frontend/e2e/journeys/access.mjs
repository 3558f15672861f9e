import { readFile } from "node:fs/promises";

import { check } from "../browser.mjs";
import { ChatPage, QUESTION, RECORDED, UNANSWERABLE } from "../chatPage.mjs";

const axe = await readFile(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Throws with every rule of axe that this state of the page breaks, in light and in dark. */
async function isAccessible(page, state) {
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

export async function conversationIsAccessible(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await page.locator(".example").first().waitFor();
  await isAccessible(page, "empty");
  await page.getByRole("button", { name: /^Searching/ }).click();
  await isAccessible(page, "scope");
  await page.keyboard.press("Escape");
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await isAccessible(page, "streaming");
  await chat.ends();
  for (const fold of await page.locator(".answer summary").all()) await fold.click();
  await page.locator(".answer .md .mark").first().hover();
  await isAccessible(page, "answer");
  await page.locator(".answer .md .mark").first().click();
  await page.locator(".panel mark").first().waitFor();
  await isAccessible(page, "document");
  await page.setViewportSize({ width: 390, height: 844 });
  await isAccessible(page, "document on a phone");
}

export async function endingsAreAccessible(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await chat.ask(RECORDED);
  await chat.ends();
  await page.locator(".answer .md .mark").first().click();
  await page.locator(".line--playing").waitFor();
  await isAccessible(page, "recording");
  await page.keyboard.press("Escape");
  await chat.ask(UNANSWERABLE);
  await chat.ends();
  await isAccessible(page, "refused");
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await page.keyboard.press("Escape");
  await chat.ends("stopped");
  await isAccessible(page, "stopped");
  await context.setOffline(true);
  await isAccessible(page, "offline");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: /conversations$/ }).click();
  await isAccessible(page, "conversations on a phone");
}
