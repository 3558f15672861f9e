import { openAnswered } from "../answered.mjs";
import { check, until } from "../browser.mjs";
import { ChatPage, RECORDED } from "../chatPage.mjs";

export async function citationOpensItsPassage(context) {
  const chat = await openAnswered(context);
  const mark = chat.page.locator("article [data-marker]").first();
  await mark.hover();
  await chat.page.getByRole("tooltip").waitFor();
  await mark.click();
  const lit = chat.page.locator("aside mark").first();
  await lit.waitFor();
  const { citations } = await chat.stored();
  // A list is drawn as a list: each of its blocks is lit, without the marks of its items.
  const words = (text) => text.match(/\p{L}+/gu).join(" ");
  const quoted = words((await chat.page.locator("aside mark").allTextContents()).join(" "));
  check(citations.some(({ quote }) => words(quote) === quoted), `lit “${quoted}” is no quote`);
  check(await lit.isVisible(), "the quote is out of view");
  await chat.page.keyboard.press("Escape");
  await chat.page.locator("aside").waitFor({ state: "detached" });
  check(await mark.evaluate((node) => node === document.activeElement), "focus did not return");
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

/**
 * A recording plays from its cited second. The transcript follows what is said until the reader
 * scrolls away; a time plays from there.
 */
export async function transcriptFollowsUntilItIsScrolled(context) {
  const chat = await openAnswered(context, RECORDED);
  const { page } = chat;
  const { citations } = await chat.stored();
  const cited = citations.find(({ kind }) => kind === "recording");
  check(cited !== undefined, "no recording was cited");
  await page.locator("article [data-marker]", { hasText: `[${cited.marker}]` }).first().click();
  await page.locator("aside li:has(mark)").first().waitFor();
  const time = () => page.evaluate(() => document.querySelector("audio")?.currentTime ?? -1);
  await until("the second", time, (now) => Math.abs(now - cited.start_s) < 15);
  check((await page.locator("aside li b").count()) > 0, "no speaker is named");
  await page.evaluate(() => document.querySelector("audio").pause());
  const times = page.locator("aside li button");
  const isInView = (line) => line.evaluate((node) => {
    const [box, view] = [node.getBoundingClientRect(), node.closest("aside ol").getBoundingClientRect()];
    return box.bottom > view.top && box.top < view.bottom;
  });
  await times.last().focus();
  await page.keyboard.press("Enter");
  const said = page.locator("aside li[aria-current]");
  await until("the last lines", () => lastIsSaid(page), (isSaid) => isSaid);
  await until("them in view", () => isInView(said), (shown) => shown);
  await page.evaluate(() => document.querySelector("audio").pause());
  const transcript = page.locator("aside ol");
  await transcript.focus();
  await page.keyboard.press("Home");
  await until("the top", () => transcript.evaluate((node) => node.scrollTop), (top) => top === 0);
  await page.evaluate(() => {
    const audio = document.querySelector("audio");
    audio.currentTime = audio.duration / 2;
  });
  await until("another line", () => lastIsSaid(page), (isSaid) => !isSaid);
  check((await transcript.evaluate((node) => node.scrollTop)) === 0, "it pulled the reader away");
}

function lastIsSaid(page) {
  return page.evaluate(() => {
    const lines = [...document.querySelectorAll("aside ol > li")];
    return lines.findIndex((line) => line.ariaCurrent === "true") > lines.length - 4;
  });
}
