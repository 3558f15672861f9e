// How the page bears a long answer: streams it into Chromium from a server that is played here, and
// prints frames over 50 ms, scripting and layout time by quarter, layout shift and memory.
//   node bench/page.mjs [--tokens 10000] [--rate 200] [--times 1]
//     [--write docs/measurements.md] [--trace FILE]
//   node bench/page.mjs --hostile [--repeat '**_' [--after '```']] …
//     answers that repeat what is hard to parse, about ten seconds each; with --repeat only that
// Of several runs the worst is told. A trace opens in the browser's own performance tools.
// The page must be built (npm --prefix frontend run build). Exit code 1 when a gate is missed, or
// when the page asked for something that is not played here.
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const DIST = process.env.DIST ?? join(ROOT, "frontend/dist");
const { chromium } = createRequire(join(ROOT, "frontend/package.json"))("playwright-core");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
const TYPES = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html",
};
const LONG_FRAME_MS = 50;
const GATE = { longFrames: 0.01, growth: 1.5, memory: 1.05 };
const QUARTERS = 4;

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : process.argv[at + 1];
}

/** An answer of everything models write: prose with marks, lists, tables, code. */
function answer(tokens) {
  const words = "the reading of every passage shows that an answer stands on its sources and on them alone".split(" ");
  const out = [];
  let n = 0;
  const word = () => ` ${words[n++ % words.length]}`;
  const sentence = (mark) => {
    const first = words[n++ % words.length];
    out.push(first[0].toUpperCase() + first.slice(1));
    for (let i = 0; i < 14; i += 1) out.push(word());
    out.push(` [${mark}].`, " ");
  };
  for (let part = 1; out.length < tokens; part += 1) {
    out.push("\n\n", `## Part`, ` ${part}`, "\n\n");
    for (let i = 0; i < 5; i += 1) sentence((i % 6) + 1);
    out.push("\n\n");
    for (let i = 0; i < 4; i += 1) {
      out.push("-", " **Point", ` ${i + 1}**:`);
      for (let j = 0; j < 9; j += 1) out.push(word());
      out.push(` [${(i % 6) + 1}]`, "\n");
    }
    if (part % 3 === 0) {
      out.push("\n", "| Measure", " | Before", " | After |", "\n", "|---|---|---|", "\n");
      for (let i = 0; i < 6; i += 1) out.push(`| row ${i} |`, ` ${i * 3} |`, ` ${i * 7} |`, "\n");
    }
    if (part % 4 === 0) {
      out.push("\n", "```python\n");
      for (let i = 0; i < 8; i += 1) out.push(`line_${i}`, " =", ` compute(`, `${i})`, "\n");
      out.push("```\n");
    }
  }
  return out.slice(0, tokens);
}

/** What is repeated in answers that are hard to parse, and what comes before it. */
async function hostileUnits() {
  const only = option("repeat", "");
  if (only !== "") return [{ head: option("after", ""), unit: only }];
  const { repeated, after } = JSON.parse(await readFile(join(ROOT, "frontend/src/ui/markdown/hostile.json"), "utf8"));
  const headed = Object.entries(after).flatMap(([head, units]) => units.map((unit) => ({ head, unit })));
  return [...repeated.map((unit) => ({ head: "", unit })), ...headed];
}

const passages = Array.from({ length: 6 }, (_, i) => ({
  marker: i + 1,
  passage_id: `p${i}`,
  source_id: "s",
  title: `Source ${i + 1}`,
  text: "What the answer stands on.",
}));
const filters = { source_ids: [], kinds: [], tags: [] };

/** How many tokens of the answer have been sent, what it consists of, and what was asked for in vain. */
const played = { tokens: [], sent: 0, missing: new Set() };

/** The wire contract, as far as one question needs it. */
async function stream(request, response, rate) {
  const { tokens } = played;
  let sent = "";
  for await (const chunk of request) sent += chunk;
  const { run_id, session_id, message } = JSON.parse(sent);
  Object.assign(played, { run_id, message });
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  let id = 0;
  const send = (type, content) => {
    const timestamp = new Date().toISOString();
    response.write(`id: ${++id}\ndata: ${JSON.stringify({ type, content, timestamp })}\n\n`);
  };
  const run = { stage: "run", status: "started", run_id, session_id };
  send("run_start", { ...run, message_id: "m", model: "played", filters });
  send("generation_start", { stage: "generation", status: "started", passages });
  const began = performance.now();
  let next = 0;
  const finished = new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(tokens.length, Math.ceil(((performance.now() - began) * rate) / 1000));
      while (next < due) send("token", tokens[next++]);
      played.sent = next;
      if (next < tokens.length) return;
      clearInterval(timer);
      resolve();
    }, 1000 / rate);
  });
  await finished;
  send("citations", { stage: "citations", status: "complete", citations: [] });
  const usage = { input_tokens: 1, output_tokens: tokens.length, estimated: false };
  const timings = { retrieval_ms: 1, first_token_ms: 1, total_ms: performance.now() - began };
  send("done", { finish_reason: "stop", message_id: "m", saved: true, usage, timings });
  response.end();
}

async function file(path, response) {
  const name = normalize(path === "/" || path.startsWith("/c/") ? "/index.html" : path);
  try {
    const body = await readFile(join(DIST, name));
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": POLICY }).end(body);
  } catch {
    played.missing.add(path);
    response.writeHead(404, { "Content-Type": "application/json" }).end('{"error":{"code":"not_found"}}');
  }
}

const conversation = {
  ...{ session_id: "s", title: "A long one, please.", filters, active_run_id: null, model: null },
  ...{ created_at: "2026-12-01T10:00:00.000Z", updated_at: "2026-12-01T10:00:00.000Z" },
};

function stored(message_id, role, content) {
  return {
    ...{ message_id, role, content, status: "complete", finish_reason: "stop", run_id: played.run_id, question_id: "q" },
    ...{ citations: [], evidence: [], feedback: null, usage: null, timings: null, error: null, model: null, filters },
    created_at: conversation.created_at,
  };
}

/** The question and what was answered, newest first. */
function messages() {
  const text = played.tokens.slice(0, played.sent).join("");
  return { items: [stored("m", "assistant", text), stored("q", "user", played.message)], next: null };
}

/** What a server without sources, models to choose and other conversations answers. */
const JSON_ROUTES = [
  [/^\/health\/ready$/, {}],
  [/^\/jobs$/, { reading: null }],
  [/^\/api\/models$/, { items: [], total: 0, searching: false, search_sends_to: [] }],
  [/^\/conversations$/, { items: [], next: null }],
  [/^\/conversations\/[^/]+$/, conversation],
  [/^\/conversations\/[^/]+\/messages$/, messages],
  [/^\/conversations\/[^/]+\/messages\/[^/]+\/questions$/, { items: [] }],
  [/^\/sources$/, { items: [], next: null }],
];

function serve(rate) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const answered = JSON_ROUTES.find(([route]) => route.test(pathname));
    if (request.method === "POST" && pathname === "/chat") void stream(request, response, rate);
    else if (answered !== undefined) {
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(typeof answered[1] === "function" ? answered[1]() : answered[1]));
    } else void file(pathname, response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** In the page: frames and layout shifts from now on. */
function observe() {
  window.seen = { frames: [], shift: 0, shifts: {}, long: [] };
  const named = ({ node }) => {
    if (node === null) return "something that belongs to no element";
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    return `${element.nodeName.toLowerCase()}.${element.className}`;
  };
  let last = performance.now();
  const frame = (now) => {
    window.seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      window.seen.shift += entry.value;
      const moved = entry.sources.map(named).join(", ");
      window.seen.shifts[moved] = (window.seen.shifts[moved] ?? 0) + entry.value;
    }
  }).observe({ type: "layout-shift" });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.seen.long.push(entry.duration);
  }).observe({ type: "longtask" });
}

async function metrics(devtools) {
  const { metrics: all } = await devtools.send("Performance.getMetrics");
  const value = (name) => all.find((metric) => metric.name === name).value;
  return { script: value("ScriptDuration"), layout: value("LayoutDuration") + value("RecalcStyleDuration") };
}

async function heap(devtools) {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return usedSize / 2 ** 20;
}

const shownLength = () => document.querySelector("article [data-markdown]")?.textContent.length ?? 0;

async function measure(page, tokens, { withMemory }) {
  Object.assign(played, { tokens, sent: 0 });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const before = withMemory ? await heap(devtools) : 0;
  await page.evaluate(observe);
  const marks = [await metrics(devtools)];
  await page.getByLabel("Your question").fill("A long one, please.");
  await page.keyboard.press("Enter");
  for (let quarter = 1; quarter < QUARTERS; quarter += 1) {
    while (played.sent < (tokens.length * quarter) / QUARTERS) {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    marks.push(await metrics(devtools));
  }
  await page.locator('[data-phase="complete"]').waitFor({ timeout: 600_000 });
  marks.push(await metrics(devtools));
  const seen = await page.evaluate(() => window.seen);
  const length = await page.evaluate(shownLength);
  if (!withMemory) return { seen, marks, length };
  const after = await heap(devtools);
  await page.waitForTimeout(3_000);
  return { seen, marks, length, heap: { before, after, later: await heap(devtools) } };
}

const shareOf = ({ seen }) =>
  seen.frames.filter((ms) => ms > LONG_FRAME_MS).length / seen.frames.length;

function report({ seen, marks, heap: memory, length }, tokens, rate) {
  const spent = (kind) => marks.slice(1).map((mark, i) => mark[kind] - marks[i][kind]);
  const [script, layout] = [spent("script"), spent("layout")];
  const long = seen.frames.filter((ms) => ms > LONG_FRAME_MS);
  const share = shareOf({ seen });
  const growth = script.at(-1) / script[0];
  const list = (values) => values.map((value) => value.toFixed(2)).join(" / ");
  const rows = [
    ["frames over 50 ms", `${long.length} of ${seen.frames.length} (${(share * 100).toFixed(2)} %), longest ${Math.max(...seen.frames).toFixed(0)} ms`, "≤ 1 %, goal none", share <= GATE.longFrames],
    ["tasks over 50 ms", `${seen.long.length}`, "", true],
    ["scripting per quarter of the answer", `${list(script)} s`, `last ≤ ${GATE.growth} × first`, growth <= GATE.growth],
    ["style and layout per quarter", `${list(layout)} s`, "", true],
    ["layout shift", seen.shift.toFixed(4), "0", seen.shift < 0.01],
    ["memory before / after / 3 s later", `${memory.before.toFixed(1)} / ${memory.after.toFixed(1)} / ${memory.later.toFixed(1)} MB`, "flat after", memory.later <= memory.after * GATE.memory],
  ];
  const lines = rows.map(([what, got, gate, holds]) => `| ${what} | ${got} | ${gate} | ${gate === "" ? "" : holds ? "yes" : "**no**"} |`);
  const head = `${tokens.length.toLocaleString("en")} tokens at ${rate}/s, ${length.toLocaleString("en")} characters on screen, 1280 × 800, headless Chromium without a graphics card.`;
  return { text: [head, "", "| figure | measured | gate | holds |", "|---|---|---|---|", ...lines].join("\n"), holds: rows.every((row) => row[3]) };
}

/** Puts the table between the marks of its section. */
async function record(path, heading, text) {
  const old = await readFile(path, "utf8");
  const section = `${heading}\n\nMeasured ${new Date().toISOString().slice(0, 10)} by \`make bench-page\` (\`bench/page.mjs\`).\n\n${text}\n`;
  const at = old.indexOf(heading);
  const end = at === -1 ? -1 : old.indexOf("\n## ", at + heading.length);
  const rest = end === -1 ? "" : old.slice(end);
  await writeFile(path, `${(at === -1 ? old : old.slice(0, at)).trimEnd()}\n\n${section}${rest}`);
}

function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** In a browser of its own: one that dies takes no other measurement along. */
async function measured(url, tokens, what) {
  const browser = await launch();
  try {
    return await measuredIn(browser, url, tokens, what);
  } finally {
    await browser.close();
  }
}

async function measuredIn(browser, url, tokens, what) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on("console", (message) => process.stderr.write(`console: ${message.text()}\n`));
  await page.goto(url);
  const trace = option("trace", "");
  if (trace !== "") await browser.startTracing(page, { path: trace, screenshots: false });
  const run = await measure(page, tokens, what);
  if (trace !== "") await browser.stopTracing();
  return run;
}

/** One long answer; of several runs the worst. */
async function longAnswer(url, rate) {
  const tokens = answer(Number(option("tokens", "10000")));
  const runs = [];
  for (let times = Number(option("times", "1")); times > 0; times -= 1) {
    runs.push(await measured(url, tokens, { withMemory: true }));
  }
  const worst = runs.toSorted((a, b) => shareOf(b) - shareOf(a))[0];
  const { text: table, holds } = report(worst, tokens, rate);
  const shares = runs.map((run) => `${(shareOf(run) * 100).toFixed(2)} %`).join(", ");
  for (const [what, sum] of Object.entries(worst.seen.shifts)) {
    process.stdout.write(`moved by ${sum.toFixed(4)}: ${what}\n`);
  }
  const text = `${table}\n\nFrames over 50 ms in each run: ${shares}. The table is of the worst.`;
  return { heading: "## The page under a long answer (F7)", text, holds };
}

function inCode(text) {
  const shown = JSON.stringify(text).replaceAll("|", "\\|");
  return shown.includes("`") ? `\`\`\`\` ${shown} \`\`\`\`` : `\`${shown}\``;
}

/** Answers that repeat one thing, each streamed once. */
async function hostileAnswers(url, rate) {
  const count = Number(option("tokens", "1500"));
  const rows = [];
  let holds = true;
  for (const { head, unit } of await hostileUnits()) {
    const name = head === "" ? inCode(unit) : `${inCode(unit)} after ${inCode(head)}`;
    const tokens = [head, ...Array(count).fill(unit + unit)].filter((token) => token !== "");
    const run = await measured(url, tokens, { withMemory: false }).catch((error) => error);
    if (run instanceof Error) {
      holds = false;
      rows.push(`| ${name} | | | | **no**: ${run.message.split("\n")[0]} |`);
      process.stderr.write(`${rows.at(-1)}\n`);
      continue;
    }
    const [first, last] = [run.marks[1].script - run.marks[0].script, run.marks[4].script - run.marks[3].script];
    const isGood = shareOf(run) <= GATE.longFrames;
    holds &&= isGood;
    const share = `${(shareOf(run) * 100).toFixed(2)} %`;
    const longest = `${Math.max(...run.seen.frames).toFixed(0)} ms`;
    rows.push(`| ${name} | ${share} | ${longest} | ${first.toFixed(2)} / ${last.toFixed(2)} s | ${isGood ? "yes" : "**no**"} |`);
    process.stderr.write(`${rows.at(-1)}\n`);
  }
  const text = [
    `${count.toLocaleString("en")} tokens of two each at ${rate}/s, as the long answer above. Gate: ≤ 1 % of frames over 50 ms.`,
    "",
    "| repeated | frames over 50 ms | longest | scripting, first and last quarter | holds |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
  return { heading: "## The page under answers that are hard to parse (F7)", text, holds };
}

const rate = Number(option("rate", "200"));
const server = await serve(rate);
const url = `http://127.0.0.1:${server.address().port}/`;
try {
  const measureAll = process.argv.includes("--hostile") ? hostileAnswers : longAnswer;
  const { heading, text, holds } = await measureAll(url, rate);
  process.stdout.write(`${text}\n`);
  const path = option("write", "");
  if (path !== "") await record(path, heading, text);
  for (const missing of played.missing) process.stderr.write(`asked for, and not played: ${missing}\n`);
  process.exitCode = holds && played.missing.size === 0 ? 0 : 1;
} finally {
  server.close();
}
