import { openAnswered } from "../answered.mjs";
import { check, until } from "../browser.mjs";
import { ChatPage, NEXT_QUESTION, QUESTION } from "../chatPage.mjs";
import { NetworkProxy } from "../networkProxy.mjs";

/** Texts and stages as they appear on screen, sampled at every painted frame. */
function watch(page) {
  return page.evaluate(() => {
    window.seen = { lengths: [], stages: new Set(), cursor: false };
    const sample = () => {
      const answer = [...document.querySelectorAll("article")].at(-1);
      const length = answer?.querySelector("[data-markdown]")?.textContent.length ?? 0;
      if (length !== window.seen.lengths.at(-1)) window.seen.lengths.push(length);
      for (const stage of answer?.querySelectorAll("article summary b") ?? []) {
        window.seen.stages.add(stage.textContent.split("…")[0]);
      }
      window.seen.cursor ||= document.querySelector(".streaming-cursor") !== null;
      requestAnimationFrame(sample);
    };
    sample();
  });
}

export async function tokensArriveProgressively(context) {
  const chat = await ChatPage.open(context);
  await watch(chat.page);
  await chat.ask(QUESTION);
  await chat.ends();
  const seen = await chat.page.evaluate(() => ({ ...window.seen, stages: [...window.seen.stages] }));
  check(seen.lengths.length >= 10, `only ${seen.lengths.length} steps on screen`);
  check(seen.lengths.every((n, i, all) => i === 0 || n >= all[i - 1]), "the text shrank");
  check(seen.cursor, "no streaming cursor was seen");
  for (const stage of ["Retrieval", "Generation"]) {
    check(seen.stages.includes(stage), `stage ${stage} was not seen`);
  }
  check((await chat.page.locator("article [data-marker]").count()) > 0, "no citation");
  check(chat.path.startsWith("/c/"), `the conversation has no address: ${chat.path}`);
  await chat.showsWhatIsStored("streamed");
}

export async function stopKeepsTheText(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await chat.page.getByRole("button", { name: /^Stop/ }).click();
  await chat.ends("stopped");
  const receipt = chat.page.getByText(/^(Stopped|Model stopped after .+ m?s), \d+ tokens? kept\.$/);
  await receipt.waitFor();
  await until("the stored status", () => chat.stored(), (message) => message?.status === "stopped");
  await chat.page.getByRole("button", { name: "Continue" }).waitFor();
  check((await chat.text()).length >= 40, "the partial text is gone");
  await chat.showsWhatIsStored("stopped");
  await chat.page.reload();
  await chat.hasText(40);
  await chat.showsWhatIsStored("stopped and reloaded");

  await chat.ask(NEXT_QUESTION);
  await chat.ends();
  check((await chat.page.locator("[data-turn]").count()) === 2, "the second question has no turn");
}

export async function stoppedBeforeTheAnswerGivesTheQuestionBack(context) {
  const chat = await ChatPage.open(context);
  await chat.page.route("**/chat", () => undefined); // the request never gets anywhere
  await chat.ask(QUESTION);
  await chat.page.getByRole("button", { name: /^Stop/ }).click();
  await until("the question", () => chat.composer.inputValue(), (value) => value === QUESTION);
  check((await chat.page.locator("[data-turn]").count()) === 0, "the unanswered turn is still there");
}

export async function nextQuestionWaitsItsTurn(context) {
  const network = await NetworkProxy.start(context);
  const chat = await ChatPage.open(context, "/", network.url);
  await chat.ask(QUESTION);
  await chat.hasText(20);
  network.freeze(); // for as long as it takes to ask again, the answer has no end
  await chat.ask(NEXT_QUESTION);
  await chat.page.getByLabel("Next").waitFor();
  network.resume();
  await until("two answers", () => chat.page.locator("[data-turn]").count(), (n) => n === 2, 60_000);
  await chat.ends();
}

export async function regenerateKeepsBoth(context) {
  const chat = await openAnswered(context);
  await chat.page.getByRole("button", { name: "Regenerate" }).click();
  await chat.page.getByLabel("Answer 2 of 2").waitFor({ timeout: 60_000 });
  await chat.page.getByRole("button", { name: "Previous answer" }).click();
  await chat.page.getByLabel("Answer 1 of 2").waitFor();
}

/**
 * ↑ takes the last question back for another try; what was being written is not lost by it. A
 * follow-up question, offered again when the conversation is opened, is asked by keyboard.
 */
export async function questionIsEditedAndAskedAgain(context) {
  const chat = await openAnswered(context);
  await chat.composer.fill("something else");
  await chat.page.getByRole("button", { name: "Edit this question" }).click();
  check((await chat.composer.inputValue()) === QUESTION, "the question is not there for editing");
  await chat.page.keyboard.press("Escape");
  check((await chat.composer.inputValue()) === "something else", "the draft is gone");
  await chat.composer.fill("");
  await chat.page.keyboard.press("ArrowUp");
  check((await chat.composer.inputValue()) === QUESTION, "↑ did not bring the question");
  await chat.composer.fill("");
  const offered = chat.page.getByRole("list", { name: "Follow-up questions" }).getByRole("button");
  await offered.first().waitFor();
  const next = await offered.first().textContent();
  await offered.first().press("Enter");
  await until("the next answer", () => chat.page.locator("[data-turn]").count(), (turns) => turns === 2);
  await chat.page.getByRole("heading", { name: next, exact: true }).waitFor();
  await chat.ends();
}

/** More than fits into a question: said in words, nothing lost, and kept as a document instead. */
export async function pastedBookIsNotLost(context) {
  const chat = await ChatPage.open(context);
  const book = "The heron stands in the reeds. ".repeat(3_300);
  await chat.composer.fill(book);
  await chat.page.getByText(/^102,300 characters\. A question can have up to 8,000\.$/).waitFor();
  check(await chat.page.getByRole("button", { name: /^Send/ }).isDisabled(), "it can be sent");
  await chat.page.reload();
  await chat.composer.waitFor();
  check((await chat.composer.inputValue()) === book, "the reload lost the text");
  await chat.page.getByRole("button", { name: "Add it to the library instead" }).click();
  check((await chat.composer.inputValue()) === "", "the text is still in the composer");
  await chat.page.getByText("Pasted text.txt").first().waitFor({ timeout: 60_000 });
}

/** A thumb is stored at once, with a comment when there is one, and is still there later. */
export async function feedbackIsKept(context) {
  const chat = await openAnswered(context);
  await chat.page.getByRole("button", { name: "Bad answer" }).click();
  await chat.page.getByLabel(/^What was wrong/).fill("Too short");
  await chat.page.keyboard.press("Tab");
  await chat.page.keyboard.press("Tab");
  await chat.page.keyboard.press("Enter");
  const said = async () => (await chat.stored()).feedback;
  await until("the comment", said, (now) => now?.comment === "Too short" && now.rating === "down");
  await chat.page.reload();
  const thumb = chat.page.getByRole("button", { name: "Bad answer" });
  await thumb.waitFor();
  check((await thumb.getAttribute("aria-pressed")) === "true", "the thumb is not down any more");
}

/** From the first question to an opened source and a stopped answer without touching a mouse. */
export async function keyboardIsEnough(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  const focused = () =>
    page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
  const tabTo = async (wanted) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (wanted.test(await focused())) return;
      await page.keyboard.press("Shift+Tab");
    }
    throw new Error(`no way by keyboard to ${wanted}`);
  };
  await until("the composer", focused, (name) => name === "Your question");
  await page.keyboard.type(QUESTION);
  await page.keyboard.press("Enter");
  await chat.ends();
  await tabTo(/^Source 1:/);
  await page.getByRole("tooltip").waitFor();
  await page.keyboard.press("Enter");
  await page.locator("aside mark").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator("aside").waitFor({ state: "detached" });
  check(/^Source 1:/.test(await focused()), "focus did not return to the mark");
  await chat.composer.focus();
  await page.keyboard.type(NEXT_QUESTION);
  await page.keyboard.press("Enter");
  await until("words", () => page.locator("[data-turn]").last().locator("[data-markdown]").textContent(), (said) => (said ?? "").length > 20);
  await page.keyboard.press("Escape");
  await chat.ends("stopped");
}
