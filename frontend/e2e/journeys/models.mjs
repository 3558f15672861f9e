import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";
import { FakeModel } from "../fakeModel.mjs";

const ONE = ["Common side effects ", "are nausea ", "and headache [1]."];
const TWO = ["According to two, ", "nausea is common [1]."];

const THOUGHTS = ["The question is ", "about side effects. ", "Passage 1 ", "names two ", "of them."];

/** Two endpoints and a page beside them: one is chosen, the answers are compared, one dies. */
export async function modelsAreChosenComparedAndReplaced(context, server) {
  const [one, two] = [await FakeModel.start(ONE), await FakeModel.start(TWO, THOUGHTS)];
  const listed = [
    { name: "one", label: "Model one", base_url: one.url, model: "org/one:7b", context_window: 8192 },
    { name: "two", label: "Model two", base_url: two.url, model: "two", input_price: 0.5, output_price: 1.5 },
  ];
  const settings = { MODELS: JSON.stringify(listed), EXTRACTIVE_TOKENS_PER_S: "200" };
  try {
    await server.beside(settings, (other) => journey(context, other, { one, two }));
  } finally {
    await Promise.all([one.end(), two.end()]);
  }
}

async function journey(context, server, { one, two }) {
  const chat = await ChatPage.open(context, "/", server.url);
  const { page } = chat;
  await page.getByText("Nothing leaves this server").first().waitFor();
  await choose(page, "Quoting: no model", /Model one/);
  await page.getByText(`Passages are sent to 127.0.0.1:${one.port}`).first().waitFor();
  await chat.ask(QUESTION);
  await chat.ends();
  check((await chat.text()).includes("nausea and headache"), "model one did not answer");
  check(one.asked === 1 && two.asked === 0, "the question went to the wrong model");

  await page.getByRole("button", { name: "Answer again with…" }).click();
  await page.getByRole("button", { name: /Model two/ }).click();
  await page.getByText("Reasoning so far").click(); // unfolded while it comes
  await page.getByRole("region", { name: "Reasoning" }).filter({ hasText: "about side effects" }).waitFor();
  two.goOn();
  await until("two answers side by side", () => page.locator("[data-turn] article").count(), (n) => n === 2);
  await page.locator("[data-turn] article").filter({ hasText: "According to two," }).waitFor();
  await page.getByRole("heading", { name: "Model two", exact: true }).waitFor();
  await page.getByText(/^Reasoned for/).waitFor();
  check(one.lastPassages === two.lastPassages, "the passages differ");
  await chat.ends();
  await page.getByRole("button", { name: "Side by side" }).click();
  await until("one answer", () => page.locator("[data-turn] article").count(), (n) => n === 1);

  await page.reload();
  await chat.composer.waitFor();
  await page.getByRole("button", { name: "Model: Model one" }).waitFor();
  await one.end();
  await chat.ask("What is the usual dose of aripiprazole?");
  await chat.ends("error");
  const alert = page.getByRole("alert");
  check((await alert.textContent()).includes("one at 127.0.0.1"), "the failure names no model");
  await page.getByRole("button", { name: "Answer with another model" }).click();
  await page.getByRole("button", { name: /Model two/ }).click();
  await chat.ends();
  await page.getByRole("button", { name: "Model: Model two" }).waitFor();
}

async function choose(page, current, wanted) {
  await page.getByRole("button", { name: `Model: ${current}` }).click();
  await page.getByLabel(wanted).click();
}
