import { openAnswered } from "../answered.mjs";
import { check, until } from "../browser.mjs";
import { ChatPage, NEXT_QUESTION, QUESTION } from "../chatPage.mjs";
import { NetworkProxy } from "../networkProxy.mjs";

export async function reloadContinues(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await chat.page.reload();
  await chat.hasText(40);
  await chat.ends();
  await chat.showsWhatIsStored("after a reload");
}

/** Two tabs in the middle of one answer. On a slow machine it may end before the second is there. */
async function twoTabs(context) {
  for (let tries = 1; ; tries += 1) {
    const first = await ChatPage.open(context);
    await first.ask(QUESTION);
    await first.hasText(20);
    const second = await ChatPage.open(context, first.path);
    await second.hasText(20);
    if ((await second.phase()) === "streaming") return [first, second];
    check(tries < 4, "the second tab does not follow the answer");
  }
}

export async function twoTabsShowOneAnswer(context) {
  const [first, second] = await twoTabs(context);
  await Promise.all([first.ends(), second.ends()]);
  await first.showsWhatIsStored("the first tab");
  await second.showsWhatIsStored("the second tab");
}

/** Both tabs are there before the question: the answer cannot end while the second one opens. */
export async function stopInOneTabEndsTheOther(context) {
  const first = await openAnswered(context);
  const second = await ChatPage.open(context, first.path);
  await second.ends();
  await first.ask(QUESTION);
  const answers = () => second.page.locator("article [data-markdown]").count();
  await until("the next answer", answers, (count) => count === 2);
  await second.hasText(20);
  await second.page.getByRole("button", { name: /^Stop/ }).click();
  await Promise.all([first.ends("stopped"), second.ends("stopped")]);
  await first.showsWhatIsStored("the tab that watched");
  await second.showsWhatIsStored("the tab that stopped");
}

export async function offlineIsNoticedAndMended(context) {
  const network = await NetworkProxy.start(context);
  const chat = await ChatPage.open(context, "/", network.url);
  await chat.ask(QUESTION);
  await chat.hasText(20);
  network.freeze();
  await context.setOffline(true);
  await chat.page.getByText(/^You are offline/).waitFor({ timeout: 2_000 });
  const before = (await chat.text()).length;
  check((await chat.phase()) === "streaming", "being offline ended the answer");
  network.resume();
  await context.setOffline(false);
  await chat.ends();
  check((await chat.text()).length > before, "nothing came after being offline");
  await chat.showsWhatIsStored("after being offline");
}

/** What another device asks in this conversation appears here, without a reload. */
export async function anotherDeviceGoesOn(context) {
  const chat = await openAnswered(context);
  const elsewhere = await context.request.post(`${process.env.BASE_URL}/chat`, {
    headers: { Accept: "application/json" },
    data: { message: NEXT_QUESTION, session_id: chat.path.split("/").pop() },
  });
  check(elsewhere.ok(), `the other device was refused: ${elsewhere.status()}`);
  const asked = () => chat.page.locator("[data-turn]").count();
  await until("the other device's question", asked, (turns) => turns === 2, 30_000);
  await chat.ends();
  await chat.showsWhatIsStored("asked elsewhere");
}
