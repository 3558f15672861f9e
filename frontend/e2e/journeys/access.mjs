import { isAccessible } from "../axe.mjs";
import { ChatPage, QUESTION, RECORDED, UNANSWERABLE } from "../chatPage.mjs";

export async function conversationIsAccessible(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await page.locator("main li > button").first().waitFor();
  await isAccessible(page, "empty");
  await page.getByRole("button", { name: /^Searching/ }).click();
  await isAccessible(page, "scope");
  await page.keyboard.press("Escape");
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await isAccessible(page, "streaming");
  await chat.ends();
  for (const fold of await page.locator("article summary").all()) await fold.click();
  await page.locator("article [data-marker]").first().hover();
  await isAccessible(page, "answer");
  await page.locator("article [data-marker]").first().click();
  await page.locator("aside mark").first().waitFor();
  await isAccessible(page, "document");
  await page.setViewportSize({ width: 390, height: 844 });
  await isAccessible(page, "document on a phone");
}

export async function endingsAreAccessible(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await chat.ask(RECORDED);
  await chat.ends();
  await page.locator("article [data-marker]").first().click();
  await page.locator("aside li[aria-current]").waitFor();
  await isAccessible(page, "recording");
  await page.keyboard.press("Escape");
  await chat.ask(UNANSWERABLE);
  await chat.ends();
  await isAccessible(page, "refused");
  await chat.ask(QUESTION);
  await chat.hasText(40);
  await page.keyboard.press("Escape");
  await chat.ends("stopped");
  await isAccessible(page, "stopped");
  await context.setOffline(true);
  await isAccessible(page, "offline");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: /conversations$/ }).click();
  await isAccessible(page, "conversations on a phone");
}
