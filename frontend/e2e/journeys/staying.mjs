import { check } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";

export async function reloadContinues(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await chat.page.reload();
  await chat.hasText(40);
  await chat.ends();
  await chat.showsWhatIsStored("after a reload");
}

export async function twoTabsShowOneAnswer(context) {
  const first = await ChatPage.open(context);
  await first.ask(QUESTION);
  await first.hasText(20);
  const second = await ChatPage.open(context, first.path);
  await second.hasText(20);
  check((await second.phase()) === "streaming", "the second tab does not follow the answer");
  await Promise.all([first.ends(), second.ends()]);
  await first.showsWhatIsStored("the first tab");
  await second.showsWhatIsStored("the second tab");
}

export async function stopInOneTabEndsTheOther(context) {
  const first = await ChatPage.open(context);
  await first.ask(QUESTION);
  await first.hasText(20);
  const second = await ChatPage.open(context, first.path);
  await second.hasText(20);
  await second.page.getByRole("button", { name: /^Stop/ }).click();
  await Promise.all([first.ends("stopped", 5_000), second.ends("stopped", 5_000)]);
  await first.showsWhatIsStored("the tab that watched");
  await second.showsWhatIsStored("the tab that stopped");
}

export async function offlineIsNoticedAndMended(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(20);
  await context.setOffline(true);
  await chat.page.getByText(/^You are offline/).waitFor({ timeout: 2_000 });
  const before = (await chat.text()).length;
  check((await chat.phase()) === "streaming", "being offline ended the answer");
  await context.setOffline(false);
  await chat.ends();
  check((await chat.text()).length > before, "nothing came after being offline");
  await chat.showsWhatIsStored("after being offline");
}
