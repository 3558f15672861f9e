import { check, until } from "./browser.mjs";

export const QUESTION = "What are the side effects of aripiprazole?";
export const NEXT_QUESTION = "Which medicines interact with aripiprazole?";
export const RECORDED = "What caused the earth fault in the outage of 14 March?";
export const UNANSWERABLE = "What is the capital of Mongolia?";

/** What a person does and sees on the page. */
export class ChatPage {
  constructor(page) {
    this.page = page;
  }

  static async open(context, path = "/", base = process.env.BASE_URL) {
    const chat = new ChatPage(await context.newPage());
    await chat.page.goto(base + path);
    await chat.composer.waitFor();
    return chat;
  }

  get composer() {
    return this.page.getByLabel("Your question");
  }

  get path() {
    return new URL(this.page.url()).pathname;
  }

  async ask(question) {
    await this.composer.fill(question);
    await this.composer.press("Enter");
  }

  phase() {
    return this.page.locator("[data-phase]").getAttribute("data-phase");
  }

  /** The newest answer's text as shown; empty while there is none. */
  text() {
    return this.page.evaluate(
      () => [...document.querySelectorAll("article [data-markdown]")].at(-1)?.textContent ?? "",
    );
  }

  hasText(length = 1) {
    return until(`${length} characters`, () => this.text(), (text) => text.length >= length);
  }

  ends(phase = "complete", timeoutMs = 60_000) {
    return until(phase, () => this.phase(), (now) => now === phase, timeoutMs);
  }

  /** The newest stored answer, as the server has it. */
  async stored() {
    return this.page.evaluate(async () => {
      const id = window.location.pathname.split("/").pop();
      const response = await fetch(`/conversations/${id}/messages`);
      const { items } = await response.json();
      return items.filter((item) => item.role === "assistant").at(-1);
    });
  }

  /** Every word on screen is a word of the stored answer: none missing, none twice. */
  async showsWhatIsStored(what) {
    const [shown, stored] = [await this.text(), await this.stored()];
    const same = written(shown) === written(stored?.content ?? "");
    check(same, `${what}: on screen “${shown}”, stored “${stored?.content}”`);
    check(shown !== "", `${what}: nothing is on screen`);
  }
}

/** Letters and digits in order: what markdown makes of the rest is not the point. */
function written(text) {
  return text.replace(/[^\p{L}\p{N}]+/gu, "");
}
