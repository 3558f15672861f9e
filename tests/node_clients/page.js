// The page that browser.mjs opens: what people would write with these clients.
import { useChat } from "@ai-sdk/react";
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { DefaultChatTransport } from "ai";
import { createElement, useMemo } from "react";
import { createRoot } from "react-dom/client";

const question = "What are the side effects of aripiprazole?";

function Chat() {
  const parameters = new URLSearchParams(location.search);
  const transport = useMemo(
    () =>
      new DefaultChatTransport({
        api: "/api/ai/chat",
        body: { on_disconnect: parameters.get("on_disconnect") ?? "cancel" },
      }),
    [],
  );
  const chat = useChat({ id: "page-chat", resume: parameters.has("resume"), transport });
  globalThis.chat = chat;
  const parts = chat.messages.filter((m) => m.role === "assistant").flatMap((m) => m.parts);
  const of = (type) => parts.filter((part) => part.type === type);
  return createElement(
    "main",
    { "data-status": chat.status },
    createElement("p", { id: "text" }, of("text").map((part) => part.text).join("")),
    createElement("p", { id: "sources" }, of("source-document").map((p) => p.title).join()),
    createElement("p", { id: "stages" }, of("data-stage").map((p) => p.data.status).join()),
    createElement("p", { id: "error" }, chat.error?.message ?? ""),
  );
}

createRoot(document.querySelector("#root")).render(createElement(Chat));

globalThis.askChat = () => globalThis.chat.sendMessage({ text: question });

/** What a reader has, and how it ended. */
function screen() {
  return { text: "", ids: [], connections: 0, ended: null };
}

function take(seen, id, event) {
  seen.ids.push(Number(id));
  if (event.type === "reset") seen.text = event.content.text;
  if (event.type === "token") seen.text += event.content;
  if (event.type === "done" || event.type === "error") seen.ended = event.content;
}

/** Asks by POST, then follows by GET: that one may be repeated after the last event. */
globalThis.readByFetchEventSource = async (runId) => {
  const seen = (globalThis.seen = screen());
  await fetchEventSource(`/runs/${runId}/events`, {
    openWhenHidden: true,
    onopen: async () => void (seen.connections += 1),
    onmessage: ({ id, data }) => id && data && take(seen, id, JSON.parse(data)),
    onclose: () => {
      if (seen.ended === null) throw new Error("cut");
    },
    onerror: () => 50, // try again after so many milliseconds
  });
  return seen;
};

globalThis.readByEventSource = (runId) =>
  new Promise((resolve) => {
    const seen = (globalThis.seen = screen());
    const source = new EventSource(`/runs/${runId}/events`);
    source.onopen = () => (seen.connections += 1);
    source.onmessage = ({ lastEventId, data }) => take(seen, lastEventId, JSON.parse(data));
    // After the end it asks once more and is told 204, which closes it for good.
    source.onerror = () => source.readyState === EventSource.CLOSED && resolve(seen);
  });

globalThis.start = async () => {
  const runId = crypto.randomUUID();
  const body = { message: question, run_id: runId, on_disconnect: "continue" };
  const gone = new AbortController();
  await fetch("/chat", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: gone.signal,
  });
  gone.abort();
  return runId;
};

globalThis.stopRun = async (runId) =>
  (await fetch(`/runs/${runId}/stop`, { method: "POST" })).json();
