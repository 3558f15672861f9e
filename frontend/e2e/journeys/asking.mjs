import { check, until } from "../browser.mjs";
import { ChatPage, NEXT_QUESTION, QUESTION } from "../chatPage.mjs";

/** Texts and stages as they appear on screen, sampled at every painted frame. */
function watch(page) {
  return page.evaluate(() => {
    window.seen = { lengths: [], stages: new Set(), cursor: false };
    const sample = () => {
      const answer = [...document.querySelectorAll(".answer")].at(-1);
      const length = answer?.querySelector(".md")?.textContent.length ?? 0;
      if (length !== window.seen.lengths.at(-1)) window.seen.lengths.push(length);
      for (const stage of answer?.querySelectorAll(".stage") ?? []) {
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
  check((await chat.page.locator(".answer .mark").count()) > 0, "no citation");
  check(chat.path.startsWith("/c/"), `the conversation has no address: ${chat.path}`);
  await chat.showsWhatIsStored("streamed");
}

export async function stopKeepsTheText(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await chat.page.getByRole("button", { name: /^Stop/ }).click();
  await chat.ends("stopped", 2_000);
  const receipt = chat.page.getByText(/^(Stopped|Model stopped after .+ m?s), \d+ tokens? kept\.$/);
  await receipt.waitFor({ timeout: 5_000 });
  await until("the stored status", () => chat.stored(), (message) => message?.status === "stopped");
  await chat.page.getByRole("button", { name: "Continue" }).waitFor();
  check((await chat.text()).length >= 40, "the partial text is gone");
  await chat.showsWhatIsStored("stopped");
  await chat.page.reload();
  await chat.hasText(40);
  await chat.showsWhatIsStored("stopped and reloaded");

  await chat.ask(NEXT_QUESTION);
  await chat.ends();
  check((await chat.page.locator(".turn").count()) === 2, "the second question has no turn");
}

export async function escapeStops(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(20);
  await chat.page.keyboard.press("Escape");
  await chat.ends("stopped", 2_000);
}

export async function stoppedBeforeTheAnswerGivesTheQuestionBack(context) {
  const chat = await ChatPage.open(context);
  await chat.page.route("**/chat", () => undefined); // the request never gets anywhere
  await chat.ask(QUESTION);
  await chat.page.getByRole("button", { name: /^Stop/ }).click();
  await until("the question", () => chat.composer.inputValue(), (value) => value === QUESTION);
  check((await chat.page.locator(".turn").count()) === 0, "the unanswered turn is still there");
}

export async function nextQuestionWaitsItsTurn(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(20);
  await chat.ask(NEXT_QUESTION);
  await chat.page.getByLabel("Next").waitFor();
  await until("two answers", () => chat.page.locator(".turn").count(), (n) => n === 2, 60_000);
  await chat.ends();
}

export async function regenerateKeepsBoth(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.ends();
  await chat.page.getByRole("button", { name: "Regenerate" }).click();
  await chat.page.getByLabel("Answer 2 of 2").waitFor({ timeout: 60_000 });
  await chat.page.getByRole("button", { name: "Previous answer" }).click();
  await chat.page.getByLabel("Answer 1 of 2").waitFor();
}
