import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { ChatPage, NEXT_QUESTION, QUESTION, RECORDED, UNANSWERABLE } from "./chatPage.mjs";
import { libraryStates } from "./libraryPictures.mjs";
import { addSurvey, ASKED_OF_SURVEY } from "./survey.mjs";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];
const PYTHON = join(import.meta.dirname, "../../.venv/bin/python");
/** A palette of 256 colours is enough for a page, and a quarter of the bytes. */
const SHRINK = `
import sys
from PIL import Image
for name in sys.argv[1:]:
    Image.open(name).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(name, optimize=True)
`;

/** Pictures of the page at both sizes in both themes, into `folder`. */
export async function takePictures(browser, folder) {
  await mkdir(folder, { recursive: true });
  for (const viewport of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const isMobile = viewport.width < 600;
      const options = { viewport, colorScheme, isMobile, deviceScaleFactor: 2 };
      const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
      const album = new Album(context, folder, `${viewport.width}x${viewport.height}-${colorScheme}`);
      await album.take();
      await context.close();
    }
  }
}

/** One size in one theme. */
class Album {
  #chat;
  #files = [];

  constructor(context, folder, look) {
    this.context = context;
    this.folder = folder;
    this.look = look;
  }

  async take() {
    await this.#begin();
    await this.#chat.page.evaluate(deleteConversations);
    await addSurvey(this.#chat);
    await this.#begin();
    await this.#chat.page.locator("main li > button").first().waitFor();
    await this.#shoot("empty");
    await this.#answers();
    await this.#asking();
    await this.#endings();
    await this.#otherSources();
    await this.#begin();
    await libraryStates(this.#chat, (name) => this.#shoot(name));
    await promisify(execFile)(PYTHON, ["-c", SHRINK, ...this.#files]);
  }

  async #answers() {
    await this.#chat.ask(QUESTION);
    await this.#chat.hasText(260);
    await this.#shoot("streaming");
    await this.#chat.ends();
    await this.#chat.page.locator("[data-turn] h2").scrollIntoViewIfNeeded();
    await this.#shoot("answer");
    await this.#chat.page.locator("article > details > summary").click();
    await this.#chat.page.locator("[data-turn] h2").scrollIntoViewIfNeeded();
    await this.#shoot("funnel");
    await this.#chat.page.locator("article > details > summary").click();
    await this.#chat.page.getByRole("button", { name: "Good answer" }).click();
    await this.#shoot("feedback");
    await this.#chat.page.keyboard.press("Escape");
    await this.#chat.page.locator("article [data-marker]").first().focus();
    await this.#chat.page.getByRole("tooltip").waitFor();
    await this.#shoot("preview");
    await this.#open();
    await this.#shoot("citation-text");
  }

  async #asking() {
    await this.#begin();
    await this.#chat.ask(QUESTION);
    await this.#chat.hasText(60);
    await this.#chat.ask(NEXT_QUESTION);
    await this.#shoot("queued");
    await this.#begin();
    await this.#chat.ask(QUESTION);
    await this.#chat.hasText(60);
    await this.context.setOffline(true);
    await this.#chat.page.getByText(/^You are offline/).waitFor();
    await this.#shoot("offline");
    await this.context.setOffline(false);
    await this.#begin();
    await this.#chat.page.locator("main header button[aria-haspopup]").click();
    await this.#shoot("model");
    await this.#chat.page.keyboard.press("Escape");
    await this.#chat.composer.fill("More than fits into a question. ".repeat(300));
    await this.#shoot("too-long");
    await this.#chat.composer.fill("");
    await this.#chat.page.getByRole("button", { name: /^Searching/ }).click();
    await this.#chat.page.getByLabel("Recordings only").check();
    await this.#chat.page.getByLabel("From").fill("2026-11-01");
    await this.#shoot("scope");
    await this.#chat.page.keyboard.press("Escape");
  }

  async #endings() {
    await this.#begin();
    await this.#chat.ask(QUESTION);
    await this.#chat.hasText(200);
    await this.#chat.page.keyboard.press("Escape");
    await this.#chat.page.getByText(/tokens? kept/).waitFor();
    await this.#shoot("stopped");
    await this.#begin();
    await this.#chat.ask(UNANSWERABLE);
    await this.#chat.ends();
    await this.#shoot("refused");
  }

  async #otherSources() {
    await this.#begin();
    await this.#chat.ask(RECORDED);
    await this.#chat.ends();
    await this.#open();
    await this.#chat.page.locator("aside li[aria-current]").waitFor();
    await this.#shoot("citation-recording");
    await this.#begin();
    await this.#chat.ask(ASKED_OF_SURVEY);
    await this.#chat.ends();
    await this.#open();
    await this.#shoot("citation-pdf");
  }

  async #begin() {
    await this.#chat?.page.close();
    this.#chat = await ChatPage.open(this.context);
  }

  /** Opens the first citation and waits for its words to be lit. */
  async #open() {
    await this.#chat.page.locator("article [data-marker]").first().click();
    await this.#chat.page.locator("aside mark").first().waitFor();
  }

  async #shoot(name) {
    const path = join(this.folder, `${name}-${this.look}.png`);
    await this.#chat.page.mouse.move(0, 0);
    await this.#chat.page.screenshot({ path });
    this.#files.push(path);
  }
}

/** In the page: so that the list holds what this album asked, not what others did. */
async function deleteConversations() {
  const { items } = await (await fetch("/conversations")).json();
  await Promise.all(items.map(({ session_id: id }) => fetch(`/conversations/${id}`, { method: "DELETE" })));
}
