import { isAccessible } from "../axe.mjs";
import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";
import { NetworkProxy } from "../networkProxy.mjs";

const PERSON = "ann@example.org";

/**
 * A person signs in with a token; it is revoked in the middle of an answer. The text stays, the same
 * answer goes on after another sign-in, and signing out leaves nothing behind.
 */
export function endedSignInKeepsTheText(context, server) {
  return server.beside({ AUTH: "token" }, async (guarded) => {
    const [first, second] = await Promise.all([token(guarded), token(guarded)]);
    const page = await context.newPage();
    const chat = new ChatPage(page);
    const network = await NetworkProxy.start(context, guarded.url);
    await page.goto(network.url);
    await page.getByLabel("Token", { exact: true }).waitFor();
    await page.keyboard.press("Escape"); // a visitor who looks around first
    await chat.ask(QUESTION);
    await page.getByText("Sign in to ask questions.").waitFor();
    await page.getByRole("alert").getByRole("button", { name: "Sign in" }).click();
    await signIn(page, "not a token");
    await page.getByText("This token is not valid").waitFor();
    await isAccessible(page, "signing in");
    await signIn(page, first.secret);
    await chat.ask(QUESTION);
    await chat.hasText(20);
    network.freeze();
    await guarded.command("app.tokens", "revoke", first.id);
    await context.setOffline(true); // back online the page does not trust its stream: it asks again
    await context.setOffline(false);
    network.resume();
    await page.getByText(/^Your session has expired/).waitFor();
    const kept = await chat.text();
    check(kept.length >= 20, "the text is gone");
    await page.getByRole("button", { name: "Sign in" }).click();
    await signIn(page, second.secret);
    await chat.ends();
    check((await chat.text()).startsWith(kept.slice(0, 20)), "another answer is there");
    await chat.showsWhatIsStored("after signing in again");
    await signsOut(chat);
  });
}

async function signsOut(chat) {
  const { page } = chat;
  const { path } = chat;
  await chat.composer.fill("half a question");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText(`Signed in as ${PERSON}`).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token", { exact: true }).waitFor();
  await until("the empty page", () => chat.path, (now) => now === "/");
  await page.goto(new URL(path, page.url()).href);
  await page.getByText("Sign in to read this conversation.").waitFor();
  check((await page.getByText(QUESTION).count()) === 0, "the conversation is still shown");
  check(!(await page.content()).includes("half a question"), "the draft is still there");
}

async function signIn(page, secret) {
  await page.getByLabel("Token", { exact: true }).fill(secret);
  await page.keyboard.press("Enter");
}

/** A new token of the person: what is typed in, and what it is revoked by. */
async function token(server) {
  const said = await server.command("app.tokens", "create", PERSON);
  const [secret] = said.split("\n");
  return { secret, id: /^Token (\w+) of/m.exec(said)[1] };
}
