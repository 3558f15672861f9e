// Browser journeys. Without BASE_URL against a server of their own, which is gone afterwards; with
// it against that server, without the journeys that do something to theirs.
// Names as arguments run only those. VARIANT=phone-dark runs them on a phone in the dark where nothing
// moves; without it only those made for it. PICTURES=folder takes pictures of the page instead.
// The last line is "N passed, N failed"; the exit code is 1 if any failed.
import { availableParallelism } from "node:os";

import { prepare } from "./answered.mjs";
import { launch } from "./browser.mjs";
import { QUESTION, RECORDED } from "./chatPage.mjs";
import * as access from "./journeys/access.mjs";
import * as asking from "./journeys/asking.mjs";
import * as history from "./journeys/history.mjs";
import * as ingesting from "./journeys/ingesting.mjs";
import * as library from "./journeys/library.mjs";
import * as models from "./journeys/models.mjs";
import * as mounted from "./journeys/mounted.mjs";
import * as phone from "./journeys/phone.mjs";
import * as reading from "./journeys/reading.mjs";
import * as restarting from "./journeys/restarting.mjs";
import * as signing from "./journeys/signing.mjs";
import * as sources from "./journeys/sources.mjs";
import * as staying from "./journeys/staying.mjs";
import * as tabs from "./journeys/tabs.mjs";
import { takePictures } from "./pictures.mjs";
import { takeRecording } from "./recording.mjs";
import { Server } from "./server.mjs";

const PARALLEL_JOURNEYS = {
  ...signing,
  ...tabs,
  ...phone,
  ...access,
  ...library,
  ...models,
  ...mounted,
  ...reading,
  ...asking,
  ...sources,
  ...staying,
  ...history,
};
const SERIAL_JOURNEYS = { ...ingesting, ...restarting };
/** Ends a journey that hangs; how long one takes depends on what runs beside it. */
const TIMEOUT_MS = 300_000;
/** For each core three: most of a journey is waiting for an answer that is being written. */
const LANES = Number(process.env.LANES ?? 3 * availableParallelism());
/** How many journeys of a whole run begin with such an answer. */
const ANSWERED = { [QUESTION]: 8, [RECORDED]: 1 };
const WIDE = { viewport: { width: 1280, height: 800 } };
const PHONE = {
  viewport: { width: 390, height: 844 },
  colorScheme: "dark",
  reducedMotion: "reduce",
  hasTouch: true,
  isMobile: true,
};

/** Nothing belongs in the console, except what the browser itself says of refused or cut requests. */
function isFault(message) {
  const isLoud = message.type() === "error" || message.type() === "warning";
  return isLoud && !message.text().startsWith("Failed to load resource");
}

/** Runs one journey in a browser profile of its own; errors of the page count as failures. */
async function attempt(browser, server, journey) {
  const isPhone = process.env.VARIANT === "phone-dark" || Object.values(phone).includes(journey);
  const context = await browser.newContext(isPhone ? PHONE : WIDE);
  const faults = [];
  context.on("weberror", (event) => faults.push(event.error()));
  context.on("console", (message) => {
    if (isFault(message)) faults.push(new Error(`in the console: ${message.text()}`));
  });
  let timer;
  try {
    await Promise.race([
      journey(context, server),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error("took too long")), TIMEOUT_MS);
      }),
    ]);
    if (faults.length > 0) throw faults[0];
    return null;
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
    await context.close();
  }
}

/** Runs the journeys, `lanes` at a time; returns how many passed and failed. */
async function runAll(browser, server, journeys, lanes) {
  // Those with a second argument need a server of ours.
  const waiting = Object.entries(journeys).filter(([, one]) => server !== null || one.length < 2);
  const counts = { passed: 0, failed: 0 };
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, journey] = next;
      const began = Date.now();
      const error = await attempt(browser, server, journey);
      const time = `${((Date.now() - began) / 1000).toFixed(1)} s`;
      counts[error === null ? "passed" : "failed"] += 1;
      const line = error === null ? `ok    ${name} (${time})` : `FAIL  ${name} (${time}): ${error}`;
      process.stdout.write(`${line}\n`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return counts;
}

function chosen(journeys, names) {
  if (names.length === 0) return journeys;
  return Object.fromEntries(Object.entries(journeys).filter(([name]) => names.includes(name)));
}

async function main(names) {
  const known = { ...PARALLEL_JOURNEYS, ...SERIAL_JOURNEYS };
  const unknown = names.filter((name) => !Object.hasOwn(known, name));
  if (unknown.length > 0) throw new Error(`no such journey: ${unknown.join(", ")}`);
  const began = Date.now();
  const server = process.env.BASE_URL ? null : await Server.start();
  if (server !== null) {
    process.env.BASE_URL = server.url;
    process.stdout.write(`ready after ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  }
  const browser = await launch();
  try {
    if (process.env.PICTURES) {
      await takePictures(browser, process.env.PICTURES);
      await takeRecording(browser, process.env.PICTURES);
      return 0;
    }
    if (names.length === 0) {
      for (const [question, times] of Object.entries(ANSWERED)) prepare(question, times);
    }
    const beside = await runAll(browser, server, chosen(PARALLEL_JOURNEYS, names), LANES);
    const alone = await runAll(browser, server, chosen(SERIAL_JOURNEYS, names), 1);
    const failed = beside.failed + alone.failed;
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    process.stdout.write(`${seconds} s\n${beside.passed + alone.passed} passed, ${failed} failed\n`);
    return failed;
  } finally {
    await browser.close();
    await server?.remove();
  }
}

process.exitCode = (await main(process.argv.slice(2))) === 0 ? 0 : 1;
