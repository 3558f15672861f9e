import { drop } from "./dropping.mjs";

const NOTES = [
  {
    name: "weir-handbook.md",
    text: "# Weir handbook\n\n## Gates\n\nA sluice gate is a wooden barrier that slides in grooves.\n\n## Floods\n\nIn a flood the keeper raises the gates within ten minutes.\n",
  },
  { name: "empty-page.txt", text: " " },
  { name: "installer.exe", text: "MZ\u0000\u0001" },
];

/** The states of history, library and settings, one picture each. */
export async function libraryStates(chat, shoot) {
  const { page } = chat;
  const isPhone = page.viewportSize().width < 600;
  const sidebar = async () => {
    if (isPhone) await page.getByRole("button", { name: "Show conversations" }).click();
  };
  await sidebar();
  await page.getByRole("searchbox", { name: "Find a conversation" }).fill("nausea");
  await page.locator("nav li mark").first().waitFor();
  await shoot("history-search");
  await page.getByRole("searchbox", { name: "Find a conversation" }).fill("");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await shoot("settings");
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Settings" }).waitFor({ state: "detached" });
  await page.goto(new URL("/library", page.url()).href);
  await page.locator("tbody tr").first().waitFor();
  for (const box of (await page.locator("tbody tr [type=checkbox]").all()).slice(0, 2)) await box.check();
  await shoot("library");
  await drop(page, NOTES);
  await page.getByRole("heading", { name: /could not be added$/ }).waitFor();
  await page.locator("li[data-state] li button").first().waitFor();
  await shoot("uploads");
  await page.locator("li[data-state] li button").first().click();
  await chat.ends();
  const { citations } = await chat.stored();
  const [{ source_id: id }] = citations;
  await page.evaluate((one) => fetch(`/sources/${one}`, { method: "DELETE" }), id);
  await page.locator("article [data-marker]").first().click();
  await page.locator("aside blockquote").waitFor();
  await shoot("source-deleted");
}
