// Open WebUI's own page in Chromium: `node page.mjs URL ask|stop QUESTION [PICTURE]`, one JSON line.
import { launch } from "../../frontend/e2e/browser.mjs";

const [url, what, question, picture] = process.argv.slice(2);
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  const composer = page.locator("#chat-input");
  await composer.waitFor({ timeout: 40_000 });
  await dismissNews(page);
  await composer.click();
  await page.keyboard.type(question);
  await page.keyboard.press("Enter");
  const answer = page.locator(".chat-assistant").last();
  const told = await { ask, stop }[what](page, answer);
  if (picture) await page.screenshot({ path: picture });
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}

// What is new in this version is told in a dialog, once.
async function dismissNews(page) {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor({ timeout: 5_000 }).catch(() => {});
  if (await dialog.isVisible()) await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
}

async function ask(page, answer) {
  const sources = answer.getByText("Sources", { exact: true });
  await sources.waitFor({ timeout: 30_000 });
  return { text: await answer.innerText() };
}

// Escape or the button in the composer: the model's socket is then seen to close, or not.
async function stop(page, answer) {
  await answer.getByText("Common side effects").waitFor({ timeout: 30_000 });
  await page.getByRole("button", { name: "Stop" }).click();
  return { text: await answer.innerText() };
}
