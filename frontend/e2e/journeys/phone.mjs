import { isAccessible } from "../axe.mjs";
import { check, newWord, until } from "../browser.mjs";
import { ChatPage, NEXT_QUESTION, QUESTION } from "../chatPage.mjs";
import { drop } from "../dropping.mjs";
import { NetworkProxy } from "../networkProxy.mjs";

/** Nothing sticks out to the side, and nothing moves that was asked not to. */
async function isCalmAndFits(page, state) {
  const seen = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth - window.innerWidth,
    moving: document
      .getAnimations()
      .filter((one) => one.playState === "running" && one.effect.getComputedTiming().endTime > 500)
      .map((one) => one.animationName ?? one.transitionProperty),
  }));
  check(seen.width <= 0, `${state}: ${seen.width} px stick out`);
  check(seen.moving.length === 0, `${state}: ${seen.moving.join(", ")} moves`);
}

const focused = (page) =>
  page.evaluate(
    () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "",
  );

/** Presses Tab until the focus is on what is wanted. */
async function tabTo(page, wanted, key = "Tab") {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press(key);
    if (wanted.test(await focused(page))) return;
  }
  throw new Error(`no way by keyboard to ${wanted}, but to “${await focused(page)}”`);
}

/** Asking and reading with a keyboard on a small dark screen where nothing moves. */
export async function askingAndReadingOnAPhone(context) {
  const network = await NetworkProxy.start(context);
  const chat = await ChatPage.open(context, "/", network.url);
  const { page } = chat;
  await page.locator("main li > button").first().waitFor();
  await isCalmAndFits(page, "empty");
  await tabTo(page, /^Your question$/);
  await page.keyboard.type(QUESTION);
  await page.keyboard.press("Enter");
  await chat.hasText(40);
  network.freeze(); // holds the answer where it is, however slow this machine is
  await context.setOffline(true);
  await page.getByText(/^You are offline/).waitFor();
  for (const stage of ["Retrieval", "Reranking", "Generation"]) {
    await page.locator("article summary b", { hasText: stage }).first().waitFor();
  }
  await page.locator(".streaming-cursor").waitFor();
  await isCalmAndFits(page, "streaming");
  await page.keyboard.type(NEXT_QUESTION);
  await page.keyboard.press("Enter");
  await page.getByLabel("Next").waitFor();
  await page.getByRole("button", { name: "Remove" }).press("Enter");
  await page.getByLabel("Next").waitFor({ state: "detached" });
  network.resume();
  await context.setOffline(false);
  await chat.ends();
  await chat.showsWhatIsStored("after being offline");
  await readsOn(chat);
  await stopsAndGoesOn(chat);
}

async function readsOn(chat) {
  const { page } = chat;
  await chat.composer.focus();
  await tabTo(page, /^Source 1:/, "Shift+Tab");
  await page.getByRole("tooltip").waitFor();
  await page.keyboard.press("Enter");
  await page.locator("aside mark").first().waitFor();
  await isCalmAndFits(page, "source");
  await page.keyboard.press("Escape");
  await page.locator("aside").waitFor({ state: "detached" });
  check(/^Source 1:/.test(await focused(page)), "focus did not return to the mark");
  for (const fold of await page.locator("article summary").all()) await fold.press("Enter");
  await page.locator("article details ol > li > button").first().waitFor();
  await page.getByText("First token").waitFor();
  await isCalmAndFits(page, "answer, unfolded");
  await isAccessible(page, "answer on a phone");
}

async function stopsAndGoesOn(chat) {
  const { page } = chat;
  await page.getByRole("button", { name: "Regenerate" }).press("Enter");
  await until("another answer", () => chat.phase(), (phase) => phase === "streaming");
  await chat.hasText(40);
  await page.keyboard.press("Escape");
  await chat.ends("stopped");
  await page.getByText(/tokens? kept\.$/).waitFor();
  await page.getByRole("button", { name: "Continue" }).press("Enter");
  await until("the rest", () => chat.phase(), (phase) => phase !== "stopped");
  await chat.ends();
  await chat.showsWhatIsStored("continued");
  await page.getByLabel("Answer 3 of 3").waitFor();
}

/** What is searched, by kind and by day: seen on the chip and printed on the answer. */
export async function scopeOnAPhone(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await page.getByRole("button", { name: /^Searching: All sources/ }).press("Enter");
  await page.getByLabel("Recordings only").press("Space");
  await page.getByLabel("From").fill("2020-02-03");
  await page.getByLabel("To", { exact: true }).fill("2020-02-04");
  await isAccessible(page, "scope on a phone");
  await isCalmAndFits(page, "scope");
  await page.keyboard.press("Escape");
  const days = "Recordings only · Added Feb 3, 2020 to Feb 4, 2020";
  await page.getByRole("button", { name: `Searching: ${days}. Change` }).waitFor();
  await chat.ask("What caused the earth fault in the outage of 14 March?");
  await chat.ends();
  check((await chat.stored()).finish_reason === "no_evidence", "it was not refused");
  await page.getByText(`Searched only: ${days}`).waitFor();
  await page.reload();
  await page.getByRole("button", { name: `Searching: ${days}. Change` }).press("Enter");
  await page.getByRole("button", { name: "Any day" }).press("Enter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Searching: Recordings only. Change" }).waitFor();
}

/** History, library and settings from the sidebar that lies over the conversation. */
export async function historyAndLibraryOnAPhone(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  const mark = newWord("Velmora");
  const text = `# Handbook of the ${mark}\n\nA ${mark} is a small copper lid that keeps rain out of the chimney.\n`;
  await drop(page, [{ name: `${mark}.md`, text }, { name: "empty.txt", text: " " }]);
  await page.getByRole("heading", { name: "1 file could not be added" }).waitFor();
  await isCalmAndFits(page, "uploads");
  await page.getByRole("button", { name: new RegExp(`^What is a ${mark}`, "i") }).first().press("Enter");
  await chat.ends();
  await page.getByRole("button", { name: "Show conversations" }).press("Enter");
  await page.getByRole("searchbox", { name: "Find a conversation" }).fill(mark);
  const found = page.locator(`nav li a[href="${chat.path}"]`);
  await found.locator("mark").first().waitFor();
  await isCalmAndFits(page, "history");
  await page.getByRole("button", { name: /^Delete “What is a Velmora/i }).press("Enter");
  await page.getByRole("button", { name: "Undo" }).press("Enter");
  await found.waitFor();
  await page.getByRole("button", { name: "Settings" }).press("Enter");
  await page.getByRole("radio", { name: "Starts a new line" }).press("Space");
  await isCalmAndFits(page, "settings");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Library", exact: true }).press("Enter");
  await page.getByRole("searchbox", { name: /^Find by title/ }).fill(mark);
  await until("one source", () => page.locator("tbody tr").count(), (rows) => rows === 1);
  await isCalmAndFits(page, "library");
  await page.locator("th button").press("Enter");
  await page.locator("aside").getByText("copper lid").first().waitFor();
  await page.keyboard.press("Escape");
}
