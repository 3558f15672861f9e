// A conversation of 5,000 messages in Chromium against a server of its own: how soon its end is
// there, beside one of two messages, how it is scrolled, and how soon it is found.
//   node bench/long_conversation.mjs [--write docs/measurements.md]
// The page must be built (npm --prefix frontend run build).
import { readFile, writeFile } from "node:fs/promises";

import { openAnswered } from "../frontend/e2e/answered.mjs";
import { launch } from "../frontend/e2e/browser.mjs";
import { ChatPage } from "../frontend/e2e/chatPage.mjs";
import { Server } from "../frontend/e2e/server.mjs";

const TURNS = 2_500;
const TIMES = 5;
const PAGES_UP = 10;
const VIEW = { viewport: { width: 1280, height: 800 } };

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const ms = (value) => `${value.toFixed(0)} ms`;

/** Milliseconds from asking for the page until the last answer is drawn. */
async function opened(browser, path) {
  const context = await browser.newContext(VIEW);
  let read = 0;
  context.on("response", async (response) => {
    if (response.url().includes("/messages")) read += (await response.body()).length;
  });
  const began = performance.now();
  const chat = await ChatPage.open(context, path);
  await chat.page.locator("article [data-markdown]").last().waitFor();
  const took = performance.now() - began;
  const nodes = await chat.page.evaluate(() => document.querySelectorAll("*").length);
  return { chat, context, took, nodes, read: () => read };
}

async function openedOften(browser, path) {
  const all = [];
  for (let times = 0; times < TIMES; times += 1) {
    const one = await opened(browser, path);
    all.push({ ...one, read: one.read() });
    await one.context.close();
  }
  return { took: median(all.map(({ took }) => took)), nodes: all[0].nodes, read: all[0].read };
}

/** Up to what was said before, again and again: milliseconds until it was there, each time. */
async function scrolledUp(page) {
  const waits = [];
  for (let pages = 0; pages < PAGES_UP; pages += 1) {
    const before = await page.locator("[data-turn]").count();
    const began = performance.now();
    await page.evaluate(() => document.querySelector("[data-phase] > div").scrollTo({ top: 0 }));
    await page.waitForFunction((n) => document.querySelectorAll("[data-turn]").length > n, before);
    waits.push(performance.now() - began);
  }
  return waits;
}

async function found(page, path) {
  const began = performance.now();
  await page.getByRole("searchbox", { name: "Find a conversation" }).fill("Question 1234");
  await page.locator(`a[href="${path}"] mark`).first().waitFor();
  return performance.now() - began;
}

async function measure(browser, server) {
  const context = await browser.newContext(VIEW);
  const { path: short } = await openAnswered(context);
  await context.close();
  await server.command("bench.seed_conversation", "long", "--turns", String(TURNS));
  const [few, many] = [await openedOften(browser, short), await openedOften(browser, "/c/long")];
  const { chat, context: reading } = await opened(browser, "/c/long");
  const waits = await scrolledUp(chat.page);
  const search = await found(chat.page, "/c/long");
  await reading.close();
  const rows = [
    ["opened, a new browser profile each time", ms(few.took), ms(many.took)],
    ["messages fetched to show it", `${(few.read / 1024).toFixed(0)} KB`, `${(many.read / 1024).toFixed(0)} KB`],
    ["elements drawn", `${few.nodes}`, `${many.nodes}`],
    [`30 earlier questions, scrolled to, ${PAGES_UP} times`, "", `median ${ms(median(waits))}, longest ${ms(Math.max(...waits))}`],
    ["found by words of its 1,234th question (200 ms of it wait for more typing)", "", ms(search)],
  ];
  const lines = rows.map((row) => `| ${row.join(" | ")} |`);
  return ["| | 2 messages | 5,000 messages |", "|---|---|---|", ...lines].join("\n");
}

async function record(path, text) {
  const heading = "## A conversation of 5,000 messages";
  const old = await readFile(path, "utf8");
  const section = `${heading}\n\nMeasured ${new Date().toISOString().slice(0, 10)} by \`bench/long_conversation.mjs\`, real server and headless Chromium on the same machine.\n\n${text}\n`;
  const at = old.indexOf(heading);
  const end = at === -1 ? -1 : old.indexOf("\n## ", at + heading.length);
  const rest = end === -1 ? "" : old.slice(end);
  await writeFile(path, `${(at === -1 ? old : old.slice(0, at)).trimEnd()}\n\n${section}${rest}`);
}

const server = await Server.start();
process.env.BASE_URL = server.url;
const browser = await launch();
try {
  const text = await measure(browser, server);
  process.stdout.write(`${text}\n`);
  const at = process.argv.indexOf("--write");
  if (at !== -1) await record(process.argv[at + 1], text);
} finally {
  await browser.close();
  await server.remove();
}
