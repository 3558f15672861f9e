import { isAccessible } from "../axe.mjs";
import { check, newWord, until } from "../browser.mjs";
import { ChatPage, QUESTION, RECORDED } from "../chatPage.mjs";
import { drop } from "../dropping.mjs";
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
  await chat.page.locator("article [data-marker]", { hasText: `[${cited.marker}]` }).first().click();
  await chat.page.locator("aside mark").first().waitFor();
  await chat.page.getByText("Page 2 of 2").waitFor();
  const bare = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "").toLowerCase();
  const lit = (await chat.page.locator("aside mark").allTextContents()).join("");
  check(bare(lit) === bare(cited.quote), `lit “${lit}”, cited “${cited.quote}”`);
  check(await chat.page.evaluate(isDrawn), "the page is blank");
  await chat.page.getByRole("button", { name: "Previous page" }).click();
  await chat.page.getByText("Page 1 of 2").waitFor();
  await chat.page.getByRole("button", { name: "Show as text" }).click();
  await chat.page.locator("aside section mark").first().waitFor();
}

/** In the page: true when the canvas has anything dark on it. */
function isDrawn() {
  const canvas = document.querySelector("aside canvas");
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
  const told = chat.page.locator("li[data-state=failed] [role=status]");
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
  await until("another answer", () => chat.page.locator("[data-turn]").count(), (turns) => turns === 2);
  await chat.ends();
  await chat.page.getByRole("button", { name: /^Searching: All sources/ }).waitFor();
  const { citations, finish_reason: reason } = await chat.stored();
  check(reason === "stop" && citations.length > 0, "the wider search did not answer");
  check((await chat.page.getByRole("button", { name: "Search everything" }).count()) === 0, "asked twice");
}

/** Every kind of source with its length, found, opened, chosen: a new conversation searches only those. */
export async function libraryChoosesWhatIsSearched(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  await page.getByRole("link", { name: "Library", exact: true }).click();
  const rows = page.locator("tbody tr");
  await rows.first().waitFor();
  await isAccessible(page, "library");
  await page.getByRole("combobox", { name: "Kind" }).selectOption("recording");
  await page.getByRole("searchbox", { name: /^Find by title/ }).fill("outage");
  await until("one recording", () => rows.count(), (count) => count === 1);
  const length = await rows.locator("td:nth-child(3)").textContent();
  check(/\d:\d\d/.test(length), `no duration: ${length}`);
  await rows.locator("th button").press("Enter");
  await page.locator("aside ol").waitFor();
  const isPlaying = await page.evaluate(() => document.querySelector("audio")?.paused === false);
  check(!isPlaying, "a recording opened for itself plays");
  await page.keyboard.press("Escape");
  await rows.getByRole("checkbox").press("Space");
  await page.setViewportSize({ width: 390, height: 844 });
  await isAccessible(page, "library on a phone");
  await page.getByRole("button", { name: "Ask only these" }).click();
  await chat.ask(RECORDED);
  await chat.ends();
  const { citations } = await chat.stored();
  const cited = new Set(citations.map(({ source_id: id }) => id));
  check(cited.size === 1, `cited: ${JSON.stringify([...cited])}`);
  await page.reload();
  await page.getByRole("button", { name: /^Searching: (?!All)/ }).waitFor();
}

/** A source that an answer cites is deleted: the quote stays, and opening it says so. */
export async function deletedSourceLeavesItsQuote(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  const mark = `Zorvex${Date.now()}`;
  const fact = `The ${mark} relay opens at exactly 31 amperes.`;
  await drop(page, [{ name: `${mark}.md`, text: `# ${mark} relay\n\n${fact}\n` }]);
  await page.getByText(/^Ready:/).waitFor();
  await page.getByRole("button", { name: "Close uploads" }).click();
  await chat.ask(`At how many amperes does the ${mark} relay open?`);
  await chat.ends();
  await page.getByRole("link", { name: "Library", exact: true }).click();
  await page.getByRole("button", { name: `Delete “${mark} relay”` }).click();
  await page.getByRole("button", { name: `Delete “${mark} relay”` }).waitFor({ state: "detached" });
  await page.goBack();
  await page.locator("article [data-marker]").first().click();
  await page.locator("aside").getByText("no longer in the library").waitFor();
  const quote = await page.locator("aside blockquote").textContent();
  check(quote.includes("31 amperes"), `the quote is “${quote}”`);
  await isAccessible(page, "deleted source");
  await page.keyboard.press("Escape");
  await page.goForward();
  await drop(page, [{ name: `${mark}.md`, text: `# ${mark} relay\n\n${fact}\n` }]);
  await page.getByRole("button", { name: `Delete “${mark} relay”` }).click();
  await page.getByRole("button", { name: "Undo" }).last().click();
  await page.getByRole("button", { name: `Delete “${mark} relay”` }).waitFor();
}

/** Ten files at once of which three fail; one of them is cut off on its way and sent again. */
export async function tenFilesOfWhichThreeFail(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  let cuts = 0;
  await page.route(/\/sources$/, (route) => {
    const isCut = route.request().postData()?.includes("note-4") && cuts === 0;
    if (!isCut) return route.continue();
    cuts += 1;
    return route.abort("connectionreset");
  });
  const stamp = Date.now();
  const notes = Array.from({ length: 8 }, (_, n) => ({
    name: `note-${n}-${stamp}.md`,
    text: `# Note ${n} of ${stamp}\n\nThe kettle number ${n} of ${stamp} is blue.\n`,
  }));
  const bad = [
    { name: `empty-${stamp}.txt`, text: " " },
    { name: `program-${stamp}.exe`, text: "MZ\u0000\u0001 this is no document" },
  ];
  await drop(page, [...notes, ...bad]);
  await page.getByRole("heading", { name: "3 files could not be added" }).waitFor({ timeout: 60_000 });
  check((await page.locator("li[data-state=ready]").count()) === 7, "seven are not there");
  await isAccessible(page, "uploads");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "2 files could not be added" }).waitFor({ timeout: 60_000 });
  const told = await page.locator("li[data-state=failed] [role=status]").allTextContents();
  check(told.every((text) => / \w+ /.test(text) && !/Error|Traceback/.test(text)), `told: ${told}`);
  await page.getByRole("button", { name: "Close uploads" }).click();
  await drop(page, [notes[0]]);
  await page.getByText("Already in the library. Ask about it.").waitFor();
}

/** A file suggests questions; pressing one asks it, and the answer cites the file, which opens as it is. */
export async function newFileIsAskedWhatItSuggests(context) {
  const chat = await ChatPage.open(context);
  const { page } = chat;
  const mark = newWord("Quandrel");
  const text = `# Handbook of the ${mark}\n\nA ${mark} is a small brass valve that vents steam from the boiler.\n`;
  await drop(page, [{ name: `${mark}.md`, text: `${text}\n${STRUCTURED}` }]);
  const tray = page.getByRole("region", { name: "Uploads" });
  await tray.getByRole("button", { name: new RegExp(`^What is a ${mark}`, "i") }).click();
  await chat.ends();
  const { citations } = await chat.stored();
  check(citations[0]?.title.includes(mark), `cited: ${JSON.stringify(citations)}`);
  await page.locator("article [data-marker]").first().click();
  await page.locator("aside mark").first().waitFor();
  await page.getByRole("button", { name: "Show the whole document" }).click();
  await drawsTablesStepsAndCode(page);
}

const STRUCTURED = `## Sizes

| Size | Bore | Pressure |
|---|---|---|
| small | 4 mm | 2 bar |
| large | 9 mm | 6 bar |

## Fitting

1. Close the feed.
2. Screw the valve in.
3. Open the feed again.

## Reading it

\`\`\`python
def pressure(raw):
    return raw / 100
\`\`\`
`;

/** In the panel: what of the file is a table, steps or code is drawn as that. */
async function drawsTablesStepsAndCode(page) {
  const panel = page.locator("aside");
  const columns = await panel.locator("table thead th").allTextContents();
  check(columns.join() === "Size,Bore,Pressure", `the columns are ${columns}`);
  const large = await panel.locator("table tbody tr").nth(1).locator("td").allTextContents();
  check(large.join() === "large,9 mm,6 bar", `the second row is ${large}`);
  const steps = await panel.getByRole("list").last().getByRole("listitem").allTextContents();
  check(steps.length === 3 && steps[1].includes("Screw the valve in."), `the steps are ${steps}`);
  const code = await panel.locator("pre").textContent();
  check(code.includes("\n    return raw / 100"), `the code is ${code}`);
}
