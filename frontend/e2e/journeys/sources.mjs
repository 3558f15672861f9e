import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION, RECORDED } from "../chatPage.mjs";

export async function citationOpensItsPassage(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.ends();
  const mark = chat.page.locator(".answer .md .mark").first();
  await mark.hover();
  await chat.page.getByRole("tooltip").waitFor();
  await mark.click();
  const lit = chat.page.locator(".panel mark").first();
  await lit.waitFor();
  const { citations } = await chat.stored();
  const quoted = await lit.textContent();
  check(citations.some(({ quote }) => quote === quoted), `lit “${quoted}” is no quote`);
  check(await lit.isVisible(), "the quote is out of view");
  await chat.page.keyboard.press("Escape");
  await chat.page.locator(".panel").waitFor({ state: "detached" });
  check(await mark.evaluate((node) => node === document.activeElement), "focus did not return");
}

export async function recordingPlaysFromItsSecond(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(RECORDED);
  await chat.ends();
  const { citations } = await chat.stored();
  const cited = citations.find(({ kind }) => kind === "recording");
  check(cited !== undefined, "no recording was cited");
  await chat.page.locator(".answer .md .mark", { hasText: `[${cited.marker}]` }).first().click();
  await chat.page.locator(".line--lit").first().waitFor();
  const time = () => chat.page.evaluate(() => document.querySelector("audio")?.currentTime ?? -1);
  await until("the second", time, (now) => Math.abs(now - cited.start_s) < 15);
}

export async function scopeStaysWithTheConversation(context) {
  const chat = await ChatPage.open(context);
  await chat.page.getByRole("button", { name: /^Searching: All sources/ }).click();
  await chat.page.getByLabel("Recordings only").check();
  await chat.page.keyboard.press("Escape");
  await chat.ask(RECORDED);
  await chat.ends();
  const { citations } = await chat.stored();
  check(citations.every(({ kind }) => kind !== "document"), "a document was cited");
  await chat.page.reload();
  await chat.page.getByRole("button", { name: /^Searching: Recordings only/ }).waitFor();
}
