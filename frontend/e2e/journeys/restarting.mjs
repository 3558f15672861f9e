import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";

const INTERRUPTED = /The text shown here is kept/;

/** These end the server of this test run and start it again: nothing else may run beside them. */
export async function answerSurvivesAKilledServer(context, server) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(300);
  await server.end("SIGKILL");
  await chat.page.getByText(/^Connection lost/).waitFor();
  await server.run();
  await chat.ends("error");
  await chat.page.getByText(INTERRUPTED).waitFor();
  check((await chat.text()).length >= 60, "the text that had arrived is gone");
  await chat.showsWhatIsStored("interrupted");
  const partial = await chat.text();
  await chat.page.getByRole("button", { name: "Continue" }).click();
  await chat.ends();
  const whole = await chat.text();
  check(whole.length > partial.length, "nothing was continued");
  check(whole.startsWith(partial.trimEnd()), "the continuation does not begin with what there was");
  await chat.showsWhatIsStored("continued");
}

export async function answerSurvivesARestart(context, server) {
  const chat = await ChatPage.open(context);
  await chat.ask(QUESTION);
  await chat.hasText(60);
  await server.end("SIGTERM");
  await server.run();
  const ended = (phase) => phase === "complete" || phase === "error";
  await until("an ending", () => chat.phase(), ended, 30_000);
  await chat.showsWhatIsStored("after a restart");
}
