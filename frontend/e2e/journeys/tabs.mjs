import { openAnswered } from "../answered.mjs";
import { check, until, withWindow } from "../browser.mjs";
import { ChatPage, NEXT_QUESTION, QUESTION } from "../chatPage.mjs";
import { NetworkProxy } from "../networkProxy.mjs";

const SIX = 6; // connections a browser gives one server over HTTP/1.1

/** Eight conversations at once: more than a browser has connections for. */
export function eightTabsAllComplete() {
  return withWindow(async (window) => {
    const chats = [];
    for (let tab = 0; tab < SIX; tab += 1) {
      chats.push(await ChatPage.open(window));
      await chats.at(-1).ask(QUESTION);
    }
    for (let tab = SIX; tab < SIX + 2; tab += 1) {
      chats.push(await ChatPage.open(window));
      await chats.at(-1).ask(NEXT_QUESTION);
    }
    await chats.at(-1).ends();
    for (const [tab, chat] of chats.entries()) {
      await chat.page.bringToFront();
      await chat.ends();
      await chat.showsWhatIsStored(`tab ${tab + 1}`);
    }
  });
}

/** A tab behind another gives its connection back and catches up when it is looked at again. */
export function hiddenTabReleasesAndCatchesUp() {
  return withWindow(async (window) => {
    const network = await NetworkProxy.start(window);
    const chat = await ChatPage.open(window, "/", network.url);
    const followed = [];
    chat.page.on("request", (request) => {
      if (/\/runs\/.+\/events$/.test(request.url())) followed.push(request);
    });
    const cut = new Promise((resolve) => {
      chat.page.on("requestfailed", (request) => {
        if (request.url().endsWith("/chat")) resolve();
      });
    });
    await chat.ask(QUESTION);
    await chat.hasText(20);
    network.freeze(); // the answer does not end before the tab gives up its connection
    const front = await window.newPage();
    await front.bringToFront();
    await cut;
    network.resume();
    check(followed.length === 0, "a hidden tab took a connection again");
    await chat.page.bringToFront();
    await chat.ends();
    check(followed.length > 0, "the tab did not ask for what it missed");
    await chat.showsWhatIsStored("the tab that was hidden");
  });
}

/** A laptop that slept: nothing of the page runs, then everything goes on. */
export function frozenTabCatchesUp() {
  return withWindow(async (window) => {
    const chat = await openAnswered(window);
    const other = await ChatPage.open(window, chat.path);
    await other.ends();
    await chat.page.bringToFront();
    await chat.ask(QUESTION);
    await other.page.bringToFront();
    const answers = () => other.page.locator("article [data-markdown]").count();
    await until("the next answer", answers, (count) => count === 2);
    const devtools = await window.newCDPSession(chat.page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    const before = (await other.text()).length;
    await until("the answer to go on", () => other.text(), (text) => text.length > before + 80);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await chat.page.bringToFront();
    await chat.ends();
    await chat.showsWhatIsStored("the tab that was frozen");
  });
}
