import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";
import { addSurvey, ASKED_OF_SURVEY } from "../survey.mjs";

/** A PDF dropped in is answered from, and its citation opens the page with the words lit. */
export async function pdfIsAskedAndOpenedAtItsPage(context) {
  const chat = await ChatPage.open(context);
  await addSurvey(chat);
  await chat.ask(ASKED_OF_SURVEY);
  await chat.ends();
  const { citations } = await chat.stored();
  const cited = citations.find(({ title, page }) => /survey/i.test(title) && page === 2);
  check(cited !== undefined, `page 2 of the survey is not cited: ${JSON.stringify(citations)}`);
  await chat.page.locator(".answer .md .mark", { hasText: `[${cited.marker}]` }).first().click();
  await chat.page.locator(".pdf-text mark").first().waitFor();
  await chat.page.getByText("Page 2 of 2").waitFor();
  const bare = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "").toLowerCase();
  const lit = (await chat.page.locator(".pdf-text mark").allTextContents()).join("");
  check(bare(lit) === bare(cited.quote), `lit “${lit}”, cited “${cited.quote}”`);
  check(await chat.page.evaluate(isDrawn), "the page is blank");
  await chat.page.getByRole("button", { name: "Previous page" }).click();
  await chat.page.getByText("Page 1 of 2").waitFor();
  await chat.page.getByRole("button", { name: "Show as text" }).click();
  await chat.page.locator(".excerpt mark").first().waitFor();
}

/** In the page: true when the canvas has anything dark on it. */
function isDrawn() {
  const canvas = document.querySelector(".pdf-page canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, index) => index % 4 === 0 && value < 80 && data[index + 3] > 200);
}

/** A file that cannot be read says so in words; dropping it anywhere is enough. */
export async function damagedFileIsExplained(context) {
  const chat = await ChatPage.open(context);
  const held = await chat.page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["%PDF-1.7 and then nothing"], "damaged.pdf"));
    return transfer;
  });
  await chat.page.locator("body").dispatchEvent("dragover", { dataTransfer: held });
  await chat.page.getByText("Drop files to add them").waitFor();
  await chat.page.locator("body").dispatchEvent("drop", { dataTransfer: held });
  const told = chat.page.locator(".upload--failed span");
  await told.waitFor({ timeout: 30_000 });
  const why = await told.textContent();
  check(/\w+ \w+/.test(why) && !/Error|Traceback|Exception/.test(why), `it says “${why}”`);
}

/** Nothing within the filter, but something outside of it: one button searches everything. */
export async function refusalIsWidened(context) {
  const chat = await ChatPage.open(context);
  await chat.page.getByRole("button", { name: /^Searching: All sources/ }).click();
  await chat.page.getByLabel(/leave/i).check();
  await chat.page.keyboard.press("Escape");
  await chat.ask(QUESTION);
  await chat.ends();
  check((await chat.stored()).finish_reason === "no_evidence", "it was not refused");
  await chat.page.getByText(/^Searched only: .*leave.*matching passage/i).waitFor();
  await chat.showsWhatIsStored("refused");
  await chat.page.getByRole("button", { name: "Search everything" }).click();
  await until("another answer", () => chat.page.locator(".turn").count(), (turns) => turns === 2);
  await chat.ends();
  await chat.page.getByRole("button", { name: /^Searching: All sources/ }).waitFor();
  const { citations, finish_reason: reason } = await chat.stored();
  check(reason === "stop" && citations.length > 0, "the wider search did not answer");
  check((await chat.page.getByRole("button", { name: "Search everything" }).count()) === 0, "asked twice");
}
