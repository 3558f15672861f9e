import { readFile } from "node:fs/promises";

import { answered } from "../answered.mjs";
import { isAccessible } from "../axe.mjs";
import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";

export async function historyRenamesDeletesAndRestores(context) {
  const chat = await ChatPage.open(context);
  const title = `Journey ${Date.now()}`;
  await chat.ask(title);
  await until("an ending", () => chat.phase(), (phase) => phase === "complete", 60_000);
  const entry = chat.page.getByRole("link", { name: title, exact: true });
  await entry.waitFor();
  await entry.hover(); // its tools appear beside it
  await chat.page.getByRole("button", { name: `Rename “${title}”` }).click();
  await chat.page.getByLabel("Title").waitFor();
  await chat.page.keyboard.type(`${title} renamed`); // in place of the old one
  await chat.page.keyboard.press("Enter");
  const renamed = chat.page.getByRole("link", { name: `${title} renamed`, exact: true });
  await renamed.waitFor();
  await until("its title in the tab", () => chat.page.title(), (shown) => shown === `${title} renamed · Citestream`);
  await renamed.hover();
  await chat.page.getByRole("button", { name: `Delete “${title} renamed”` }).click();
  await renamed.waitFor({ state: "detached" });
  await chat.page.getByRole("button", { name: "Undo" }).click();
  await renamed.waitFor();
}

/** Found by words of the answer, shown where they are, with nothing but the keyboard; and saved. */
export async function conversationIsFoundByItsAnswerAndSaved(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await chat.ask(QUESTION);
  await chat.ends();
  const address = chat.path;
  const [word] = (await chat.stored()).content.match(/[a-z]{9,}/g);
  await page.goto(process.env.BASE_URL);
  const field = page.getByRole("searchbox", { name: "Find a conversation" });
  await field.focus();
  await page.keyboard.type(word);
  const found = page.locator(`nav li a[href="${address}"]`);
  await found.locator("mark").first().waitFor();
  await isAccessible(page, "search");
  await found.focus();
  await page.keyboard.press("Enter");
  await until("its address", () => chat.path, (path) => path === address);
  const row = page.locator("nav li", { has: page.locator(`a[href="${address}"]`) });
  await row.hover(); // its tools appear beside it
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    row.getByRole("link", { name: /as Markdown$/ }).click(),
  ]);
  const text = await readFile(await saved.path(), "utf8");
  check(text.includes(`## ${QUESTION}`), `the question is not in ${text.slice(0, 200)}`);
  check(text.includes("**Sources**") && text.includes("> "), "the sources are not in it");
  await field.fill("zzz no such words");
  await page.getByText("No conversation contains these words.").waitFor();
}

/** Five thousand conversations: few are drawn, all can be reached, and the first is there at once. */
export async function thousandsOfConversationsAreOneList(context) {
  const all = Array.from({ length: 5_000 }, (_, n) => conversation(n));
  await context.route(/\/conversations\?/, (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const items = all.slice(after, after + 100);
    const next = after + 100 < all.length ? String(after + 100) : null;
    return route.fulfill({ json: { items, next } });
  });
  const chat = await ChatPage.open(context);
  const { page } = chat;
  const links = page.locator("nav li a[href^='/c/']");
  await links.first().waitFor();
  const list = page.locator("nav > div");
  const last = page.getByRole("link", { name: "Talk 4999", exact: true });
  await until(
    "the last conversation",
    async () => {
      await list.evaluate((node) => node.scrollTo({ top: node.scrollHeight }));
      return last.count();
    },
    (count) => count === 1,
    60_000,
  );
  check((await links.count()) < 100, "too many are drawn");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Show conversations" }).click();
  await isAccessible(page, "thousands of conversations on a phone");
}

function conversation(n) {
  const at = new Date(Date.UTC(2026, 0, 1) - n * 60_000).toISOString();
  return {
    session_id: `talk-${n}`,
    title: `Talk ${n}`,
    filters: { source_ids: [], kinds: [], tags: [] },
    created_at: at,
    updated_at: at,
    active_run_id: null,
    match: null,
  };
}

/** Colours, language and the Enter key, by keyboard, kept over a reload. */
export async function settingsAreKept(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await page.getByRole("button", { name: "Settings" }).press("Enter");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await isAccessible(page, "settings");
  await page.getByRole("radio", { name: "Starts a new line" }).press("Space");
  await page.getByRole("radio", { name: "Dark" }).press("Space");
  await page.getByRole("combobox", { name: "Language" }).selectOption("de");
  await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
  await page.keyboard.press("Escape");
  await page.reload();
  await page.getByRole("link", { name: "Bibliothek" }).waitFor();
  const root = page.locator("html");
  check((await root.getAttribute("lang")) === "de", "the language is not kept");
  check((await root.getAttribute("data-theme")) === "dark", "the colours are not kept");
  const field = page.locator("main form textarea");
  await field.fill("Erste Zeile");
  await field.press("Enter");
  const typed = await field.inputValue();
  check(typed === "Erste Zeile\n", `Enter did not break the line: ${JSON.stringify(typed)}`);
}

/** Five thousand messages: the end is there soon, what was said before as the reader goes up. */
export async function longConversationOpensAtItsEnd(context, server) {
  await answered();
  const sessionId = `long-${Date.now()}`;
  await server.command("bench.seed_conversation", sessionId, "--turns", "2500");
  const read = [];
  context.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith(`${sessionId}/messages`)) read.push(request.url());
  });
  const chat = await ChatPage.open(context, `/c/${sessionId}`);
  const { page } = chat;
  const turn = (n) => page.getByRole("heading", { name: `Question ${n}: `, exact: false });
  await turn(2_500).waitFor();
  const inView = () =>
    page.evaluate(() => {
      const { bottom } = document.querySelector("[data-phase] > div:first-child").getBoundingClientRect();
      return [...document.querySelectorAll("article")].at(-1).getBoundingClientRect().top < bottom;
    });
  await until("its end in view", inView, (isInView) => isInView);
  check(read.length === 1, `${read.length} pages were read to show the end`);
  await page.locator("[data-phase] > div:first-child").hover();
  const reading = turn(2_471);
  const before = await reading.evaluate((node) => {
    node.scrollIntoView({ block: "center" });
    return node.getBoundingClientRect().top;
  });
  await turn(2_470).waitFor({ state: "attached" });
  const after = await reading.evaluate((node) => node.getBoundingClientRect().top);
  check(Math.abs(after - before) < 2, `what was read moved from ${before} to ${after} px`);
  await page.getByRole("searchbox", { name: "Find a conversation" }).fill("Question 1234");
  const found = page.locator(`nav li a[href="/c/${sessionId}"]`);
  await found.locator("mark").first().waitFor();
}

/** A link to nothing opens the page, which says so and leads on. */
export async function unknownAddressIsThePage(context) {
  const page = await context.newPage();
  const response = await page.goto(`${process.env.BASE_URL}/no/such/place`);
  check(response.status() === 404, `the status is ${response.status()}`);
  await page.getByText("There is no page at this address.").waitFor();
  await isAccessible(page, "unknown address");
  await page.getByRole("link", { name: "Go to the start page" }).click();
  await page.getByLabel("Your question").waitFor();
}
