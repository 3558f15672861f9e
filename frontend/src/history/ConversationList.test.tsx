import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { ConversationList } from "./ConversationList.tsx";
import { ACTIVE_EVERY_MS } from "./useFollowActive.ts";

const DOT = ".running";

/** A server of conversations: what it was asked, and what it answers. */
class Conversations {
  readonly requests: string[] = [];
  items: { session_id: string; title: string; active_run_id?: string; match?: { text: string } }[] = [];
  isDown = false;
  deletionMs = 0;

  readonly fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const address = typeof input === "string" ? input : "";
    const method = init?.method ?? "GET";
    this.requests.push(`${method} ${address}`);
    if (this.isDown) return Promise.resolve(new Response("{}", { status: 503 }));
    if (method === "DELETE") return this.#delete();
    if (method !== "GET") return Promise.resolve(new Response(null, { status: 204 }));
    const query = new URL(address, "http://test").searchParams.get("q") ?? "";
    const items = this.items
      .filter(({ title }) => title.includes(query))
      .map((item, n) => ({
        created_at: new Date().toISOString(),
        updated_at: new Date(Date.now() - n).toISOString(),
        active_run_id: null,
        match: null,
        ...item,
      }));
    return Promise.resolve(Response.json({ items, next: null }));
  };

  async #delete(): Promise<Response> {
    await new Promise((done) => setTimeout(done, this.deletionMs));
    this.requests.push("deleted");
    return new Response(null, { status: 204 });
  }
}

const server = new Conversations();

function show(currentId: string | null = null) {
  const on = { onOpen: vi.fn(), onCurrentDeleted: vi.fn() };
  const { container } = render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <ConversationList currentId={currentId} {...on} />
    </QueryClientProvider>,
  );
  return { ...on, container };
}

beforeEach(() => {
  server.requests.length = 0;
  server.isDown = false;
  server.deletionMs = 0;
  server.items = ["Tea", "<b>Cups</b>", "🫖🫖", "x".repeat(300)].map((title, n) => ({
    session_id: `s${n}`,
    title,
  }));
  vi.stubGlobal("fetch", server.fetch);
  // jsdom lays nothing out: a list of this height is looked at.
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(36);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("ConversationList", () => {
  it("looks whether what is being answered still is, while it is looked at", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setInterval", "clearInterval"] });
    server.items = [{ session_id: "s0", title: "Tea", active_run_id: "gone" }];
    const { container } = show();
    const dots = (): number => container.querySelectorAll(DOT).length;
    await waitFor(() => {
      expect(dots()).toBe(1);
    });
    const looked = server.requests.length;
    server.items = [{ session_id: "s0", title: "Tea" }];
    const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    vi.advanceTimersByTime(3 * ACTIVE_EVERY_MS);
    expect(server.requests.length).toBe(looked);
    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    await waitFor(() => {
      expect(dots()).toBe(0);
    });
    const known = server.requests.length;
    vi.advanceTimersByTime(3 * ACTIVE_EVERY_MS);
    expect(server.requests.length).toBe(known);
  });

  it("notices by itself that an answer has ended elsewhere", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setInterval", "clearInterval"] });
    server.items = [{ session_id: "s0", title: "Tea", active_run_id: "gone" }];
    const { container } = show();
    await waitFor(() => {
      expect(container.querySelector(DOT)).not.toBeNull();
    });
    server.items = [{ session_id: "s0", title: "Tea" }];
    vi.advanceTimersByTime(ACTIVE_EVERY_MS);
    await waitFor(() => {
      expect(container.querySelector(DOT)).toBeNull();
    });
  });

  it("shows titles as text, whatever they look like, and opens one", async () => {
    const { onOpen } = show("s1");
    fireEvent.click(await screen.findByRole("link", { name: "Tea" }));
    expect(onOpen).toHaveBeenCalledWith("s0");
    const current = screen.getByRole("link", { name: "<b>Cups</b>" });
    expect(current.getAttribute("aria-current")).toBe("page");
    expect(screen.getByRole("link", { name: "🫖🫖" })).toBeTruthy();
    expect(screen.getByRole("heading", { name: "Today" })).toBeTruthy();
  });

  it("asks the server for the words and says how many were found", async () => {
    show();
    await screen.findByRole("link", { name: "Tea" });
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: " Cup" } });
    await waitFor(() => {
      expect(screen.queryByRole("link", { name: "Tea" })).toBeNull();
    });
    expect(server.requests.at(-1)).toContain("q=Cup");
    expect(screen.getByRole("status").textContent).toBe("1 conversation found");
    expect(within(screen.getByRole("link", { name: "<b>Cups</b>" })).getByText("Cup").tagName).toBe("MARK");
  });

  it("renames, and Escape leaves the title as it is", async () => {
    show();
    fireEvent.click(await screen.findByRole("button", { name: "Rename “Tea”" }));
    const field = screen.getByRole("textbox", { name: "Title" });
    fireEvent.change(field, { target: { value: "Coffee" } });
    fireEvent.keyDown(field, { key: "Escape" });
    expect(screen.getByRole("link", { name: "Tea" })).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Rename “Tea”" }));
    fireEvent.change(screen.getByRole("textbox", { name: "Title" }), { target: { value: "Coffee" } });
    fireEvent.blur(screen.getByRole("textbox", { name: "Title" }));
    expect(await screen.findByRole("link", { name: "Coffee" })).toBeTruthy();
    await waitFor(() => {
      expect(server.requests).toContain("PATCH /conversations/s0");
    });
  });

  it("replaces the title by what is typed, and gives the focus back", async () => {
    show();
    for (const key of ["Enter", "Escape"]) {
      fireEvent.click(await screen.findByRole("button", { name: "Rename “Tea”" }));
      const field = screen.getByRole<HTMLInputElement>("textbox", { name: "Title" });
      expect(document.activeElement).toBe(field);
      expect([field.selectionStart, field.selectionEnd]).toEqual([0, "Tea".length]);
      if (key === "Enter") fireEvent.submit(field);
      else fireEvent.keyDown(field, { key });
      expect(document.activeElement).toBe(screen.getByRole("link", { name: "Tea" }));
    }
  });

  it("deletes at once, and undoes it", async () => {
    const { onCurrentDeleted } = show("s0");
    fireEvent.click(await screen.findByRole("button", { name: "Delete “Tea”" }));
    await waitFor(() => {
      expect(screen.queryByRole("link", { name: "Tea" })).toBeNull();
    });
    expect(onCurrentDeleted).toHaveBeenCalled();
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(await screen.findByRole("link", { name: "Tea" })).toBeTruthy();
    expect(server.requests).toContain("POST /conversations/s0/restore");
  });

  it("undoes a deletion only once the server has made it", async () => {
    server.deletionMs = 30;
    show();
    fireEvent.click(await screen.findByRole("button", { name: "Delete “Tea”" }));
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    expect(await screen.findByRole("link", { name: "Tea" })).toBeTruthy();
    expect(server.requests.slice(-2)).toEqual(["deleted", "POST /conversations/s0/restore"]);
  });

  it("brings a conversation back that could not be deleted, and says so", async () => {
    show();
    const button = await screen.findByRole("button", { name: "Delete “Tea”" });
    server.isDown = true;
    fireEvent.click(button);
    expect((await screen.findAllByRole("alert"))[0]?.textContent).toContain("could not be saved");
    server.isDown = false;
    fireEvent.click(await screen.findByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "Tea" })).toBeTruthy();
  });

  it("offers each conversation as a file in the reader's language", async () => {
    show();
    const save = await screen.findByRole("link", { name: "Save “Tea” as Markdown" });
    expect(save.getAttribute("href")).toBe("/conversations/s0/export?language=en");
    expect(save.hasAttribute("download")).toBe(true);
  });

  it("draws only what is near the view of five thousand", async () => {
    server.items = Array.from({ length: 5_000 }, (_, n) => ({ session_id: `s${n}`, title: `Talk ${n}` }));
    show();
    await screen.findByRole("link", { name: "Talk 0" });
    expect(screen.getAllByRole("link", { name: /^Talk/ }).length).toBeLessThan(60);
  });

  it("goes from one conversation to the next with the arrow keys", async () => {
    show();
    const tea = await screen.findByRole("link", { name: "Tea" });
    tea.focus();
    fireEvent.keyDown(tea, { key: "ArrowDown" });
    expect(document.activeElement?.textContent).toBe("<b>Cups</b>");
  });
});
