import { ChatPage, QUESTION } from "../chatPage.mjs";
import { check } from "../browser.mjs";

const PATH = "/citestream";

/** Below a path of another site: asking, reading, the library and a link from elsewhere. */
export function worksBelowAPath(context, server) {
  return server.beside({ ROOT_PATH: PATH }, async (mounted) => {
    const outside = [];
    const refused = [];
    context.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (!pathname.startsWith(`${PATH}/`)) outside.push(pathname);
    });
    context.on("response", (response) => {
      if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`);
    });
    const chat = await ChatPage.open(context, "/", mounted.url + PATH);
    const { page } = chat;
    await chat.ask(QUESTION);
    await chat.ends();
    check(chat.path.startsWith(`${PATH}/c/`), `the conversation is at ${chat.path}`);
    await page.reload();
    await chat.hasText(20);
    await page.getByRole("link", { name: "Library", exact: true }).click();
    await page.getByRole("button", { name: /^Aripiprazole/ }).first().waitFor();
    check(chat.path === `${PATH}/library`, `the library is at ${chat.path}`);
    await page.goto(await citedLink(mounted));
    await page.getByRole("complementary", { name: "Source" }).locator("mark").first().waitFor();
    check(outside.length === 0, `asked outside of the path: ${outside}`);
    check(refused.length === 0, `refused: ${refused}`);
  });
}

/** Where an OpenAI client sends its reader for the first citation of an answer. */
async function citedLink(mounted) {
  const response = await fetch(`${mounted.url}${PATH}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "citestream",
      messages: [{ role: "user", content: QUESTION }],
    }),
  });
  const { choices } = await response.json();
  return choices[0].message.annotations[0].url_citation.url;
}
