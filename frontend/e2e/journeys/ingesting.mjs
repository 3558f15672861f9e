import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { check, until } from "../browser.mjs";
import { ChatPage, QUESTION } from "../chatPage.mjs";

const NOTE = /Reading your library: \d of 2 files/;
const IN_THE_ANSWER = /Your library is still being read: \d of 2 files so far/;
/** So many that embedding them takes longer than opening a page and asking. */
const PARAGRAPHS = 600;

/** Answers and page say that files are still being read; the page sees for itself when they are. */
export async function libraryThatIsStillBeingReadSaysSo(context, server) {
  const folder = await mkdtemp(join(tmpdir(), "citestream-reading-"));
  try {
    await writeFile(join(folder, "a.md"), "# Lamps\n\nThe lamp of the pier is lit at dusk.\n");
    await writeFile(join(folder, "b.md"), logbook());
    const added = server.command("app.ingest", folder);
    await until("reading", () => reading(server), (now) => now !== null, 60_000);
    const chat = await ChatPage.open(context);
    await chat.page.getByText(NOTE).waitFor();
    await chat.ask(QUESTION);
    await chat.page.locator("article").getByText(IN_THE_ANSWER).waitFor({ timeout: 60_000 });
    await chat.ends();
    await chat.showsWhatIsStored("while the library is being read");
    await added;
    await chat.page.getByText(NOTE).waitFor({ state: "detached" });
    await chat.ask(QUESTION);
    await until("the second answer", () => chat.page.locator("article").count(), (n) => n === 2);
    await chat.ends();
    check(!IN_THE_ANSWER.test(await chat.text()), "it is still said to be reading");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function reading(server) {
  const response = await fetch(`${server.url}/jobs`);
  return (await response.json()).reading;
}

function logbook() {
  const pages = Array.from(
    { length: PARAGRAPHS },
    (_, n) => `## Watch ${n}\n\nIn watch ${n} the keeper saw ${n * 3} gulls and ${n + 7} boats.\n`,
  );
  return `# Logbook of the pier\n\n${pages.join("\n")}`;
}
