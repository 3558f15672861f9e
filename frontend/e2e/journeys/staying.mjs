import { check, until } from "../browser.mjs";
import { ChatPage, NEXT_QUESTION, QUESTION } from "../chatPage.mjs";

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

/** What another device asks in this conversation appears here, without a reload. */
export async function anotherDeviceGoesOn(context) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.ends();
  const elsewhere = await context.request.post(`${process.env.BASE_URL}/chat`, {
    headers: { Accept: "application/json" },
    data: { message: NEXT_QUESTION, session_id: chat.path.split("/").pop() },
  });
  check(elsewhere.ok(), `the other device was refused: ${elsewhere.status()}`);
  const asked = () => chat.page.locator(".turn").count();
  await until("the other device's question", asked, (turns) => turns === 2, 30_000);
  await chat.ends();
  await chat.showsWhatIsStored("asked elsewhere");
}

/** A sign-in that ends in the middle: the text stays, and the same answer goes on after it. */
export async function endedSignInKeepsTheText(context) {
  const chat = await ChatPage.open(context);
  const refusal = {
    status: 401,
    json: { error: { code: "sign_in_required", message: "Sign in.", details: { auth: "token" } } },
  };
  await chat.page.route("**/runs/*/events", (route) => route.fulfill(refusal));
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await context.setOffline(true); // cuts the stream: what follows is refused
  await context.setOffline(false);
  await chat.page.getByText(/^Your sign-in has ended/).waitFor();
  check((await chat.text()).length >= 40, "the text is gone");
  await chat.page.unroute("**/runs/*/events");
  await chat.page.route("**/auth/sign-in", (route) => route.fulfill({ status: 200, json: {} }));
  await chat.page.getByRole("button", { name: "Sign in" }).click();
  await chat.page.getByLabel("Token", { exact: true }).fill("secret");
  await chat.page.keyboard.press("Enter");
  await chat.ends();
  await chat.showsWhatIsStored("after signing in again");
}
