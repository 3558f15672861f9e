import { until } from "../browser.mjs";
import { ChatPage } from "../chatPage.mjs";

export async function historyRenamesDeletesAndRestores(context) {
  const chat = await ChatPage.open(context);
  const title = `Journey ${Date.now()}`;
  await chat.ask(title);
  await until("an ending", () => chat.phase(), (phase) => phase === "complete", 60_000);
  const entry = chat.page.getByRole("link", { name: title });
  await entry.waitFor();
  await chat.page.getByRole("button", { name: `Rename “${title}”` }).click();
  await chat.page.getByLabel("Title").fill(`${title} renamed`);
  await chat.page.keyboard.press("Enter");
  await chat.page.getByRole("link", { name: `${title} renamed` }).waitFor();
  await chat.page.getByRole("button", { name: `Delete “${title} renamed”` }).click();
  await chat.page.getByRole("link", { name: `${title} renamed` }).waitFor({ state: "detached" });
  await chat.page.getByRole("button", { name: "Undo" }).click();
  await chat.page.getByRole("link", { name: `${title} renamed` }).waitFor();
}
