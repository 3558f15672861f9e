// Clients that live in a page, in Chromium: `node browser.mjs URL JOURNEY`. Lines of JSON on
// stdout; `{"cut": true}` asks whoever started this to cut the connections now.
import { build } from "esbuild";
import { chromium } from "playwright-core";

const [url, journey] = process.argv.slice(2);
const bundle = await build({
  entryPoints: [new URL("page.js", import.meta.url).pathname],
  bundle: true,
  write: false,
  format: "iife",
  define: { "process.env.NODE_ENV": '"production"' },
});
const script = bundle.outputFiles[0].text.replaceAll("</script", "<\\/script");
const html = `<!doctype html><meta charset="utf-8"><div id="root"></div><script>${script}</script>`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage();
// Same origin as the API, as a page of one's own would be behind one's own server.
await page.route("**/client.html*", (route) => route.fulfill({ contentType: "text/html", body: html }));
const open = (query = "") => page.goto(`${url}/client.html${query}`);
const say = (value) => console.log(JSON.stringify(value));
const text = (selector) => page.locator(selector).textContent();
const status = (wanted) => page.waitForSelector(`main[data-status=${wanted}]`);
const someText = (selector = "#text") =>
  page.waitForFunction((s) => document.querySelector(s)?.textContent, selector);

const journeys = {
  async useChatAsks() {
    await open();
    await page.evaluate("askChat()");
    await someText("#sources");
    await status("ready");
    return { text: await text("#text"), sources: await text("#sources"), stages: await text("#stages") };
  },
  async useChatStops() {
    await open();
    await page.evaluate("void askChat()");
    await someText();
    await page.evaluate("chat.stop()");
    await status("ready");
    return { text: await text("#text") };
  },
  async useChatResumes() {
    await open("?on_disconnect=continue");
    await page.evaluate("void askChat()");
    await someText();
    await open("?on_disconnect=continue&resume"); // a reload: only the server still knows
    await someText();
    const before = await text("#text");
    say({ resumed: before });
    await page.evaluate("fetch('/api/ai/chat/page-chat/stop', {method: 'POST'})");
    await status("ready");
    return { before, text: await text("#text") };
  },
  async useChatFails() {
    await open();
    await page.evaluate("void askChat()");
    await status("error");
    return { text: await text("#text"), error: await text("#error") };
  },
  fetchEventSource: () => resumedBy("readByFetchEventSource"),
  eventSource: () => resumedBy("readByEventSource"),
};

async function resumedBy(read) {
  await open();
  const runId = await page.evaluate("start()");
  await page.evaluate(`void (globalThis.reading = ${read}('${runId}'))`);
  await page.waitForFunction("globalThis.seen?.text");
  say({ cut: true });
  await page.waitForFunction("globalThis.seen.connections > 1");
  const receipt = await page.evaluate(`stopRun('${runId}')`);
  const seen = await page.evaluate("globalThis.reading");
  return { runId, receipt, seen };
}

try {
  say(await journeys[journey]());
} finally {
  await browser.close();
}
