import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
// The same browser without a window's furniture, which costs a quarter of the processor's time.
const SHELL = "/usr/bin/chromium-headless-shell";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];
const STARTS_WITHIN_MS = 20_000;

/** A browser whose every page believes to be in front. */
export function launch() {
  const shell = process.env.CHROMIUM === undefined && existsSync(SHELL);
  return chromium.launch({ executablePath: shell ? SHELL : CHROMIUM, args: FLAGS });
}

/**
 * One window of a browser of its own, with real tabs: those behind are hidden and can be frozen.
 * Calls `use(context)` and closes the browser, whatever happens.
 */
export async function withWindow(use) {
  const profile = await mkdtemp(join(tmpdir(), "citestream-window-"));
  const flags = [...FLAGS, "--remote-debugging-port=0", `--user-data-dir=${profile}`];
  const process_ = spawn(CHROMIUM, [...flags, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  const gone = new Promise((resolve) => process_.once("exit", resolve));
  try {
    const browser = await chromium.connectOverCDP(await debuggerOf(process_), { noDefaults: true });
    await use(browser.contexts()[0]);
    await browser.close();
  } finally {
    process_.kill("SIGTERM");
    await gone;
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

function debuggerOf(process_) {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => {
      reject(new Error(`no debugger: ${said}`));
    }, STARTS_WITHIN_MS);
    process_.stderr.on("data", (data) => {
      said += String(data);
      const address = /DevTools listening on (\S+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}

/** Throws with `what` unless `condition` holds. */
export function check(condition, what) {
  if (!condition) throw new Error(what);
}

/** Polls `read` until `holds(value)`; gives the value back, or throws naming what it waited for. */
export async function until(what, read, holds, timeoutMs = 20_000) {
  const deadline = Date.now() + timeoutMs;
  let value = await read();
  while (!holds(value)) {
    if (Date.now() > deadline) throw new Error(`waited for ${what}, have ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    value = await read();
  }
  return value;
}

/** A word that nobody has used before: `stem` and the time, in letters. */
export function newWord(stem) {
  return stem + [...String(Date.now())].map((digit) => "aeiounrstl"[digit]).join("");
}
