import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import type { Source } from "../protocol/api.ts";
import { LibraryPage } from "./LibraryPage.tsx";

function source(id: string, change: Partial<Source>): Source {
  return {
    source_id: id,
    title: id,
    kind: "document",
    name: `${id}.md`,
    media_type: "text/markdown",
    passage_count: 1,
    pages: null,
    duration_s: null,
    tags: [],
    audio: false,
    speakers: [],
    notes: [],
    shared: false,
    created_at: "2026-11-20T10:00:00Z",
    mine: true,
    access: "private",
    groups: [],
    ...change,
  };
}

let sources: Source[];
let requests: { method: string; address: string; body: unknown }[];
let isDown: boolean;
let deletionMs: number;
let pageSize: number;

function answer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const [method, address] = [init?.method ?? "GET", typeof input === "string" ? input : ""];
  const body: unknown = typeof init?.body === "string" ? JSON.parse(init.body) : null;
  requests.push({ method, address, body });
  if (isDown) return Promise.resolve(new Response("{}", { status: 503 }));
  if (method === "DELETE") return remove(address);
  return Promise.resolve(Response.json(method === "GET" ? page(address) : sources[0]));
}

/** As the server lists them: words, kind and order are its business. */
function page(address: string) {
  const query = new URL(address, "http://here").searchParams;
  const found = sources.filter(
    ({ title, kind }) =>
      title.includes(query.get("q") ?? "") && kind === (query.get("kind") ?? kind),
  );
  if (query.get("order") === "longest") found.sort((a, b) => b.passage_count - a.passage_count);
  const from = Number(query.get("cursor") ?? 0);
  const next = from + pageSize < found.length ? `${from + pageSize}` : null;
  const counts = { documents: 2, recordings: 1, passages: 50 };
  return { items: found.slice(from, from + pageSize), next, counts: from === 0 ? counts : null };
}

async function remove(address: string): Promise<Response> {
  await new Promise((done) => setTimeout(done, deletionMs));
  requests.push({ method: "deleted", address, body: null });
  return new Response(null, { status: 204 });
}

function show() {
  const on = { onOpen: vi.fn(), onAskOnly: vi.fn(), onFiles: vi.fn(() => Promise.resolve()) };
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <LibraryPage {...on} />
    </QueryClientProvider>,
  );
  return on;
}

const titles = (): (string | undefined)[] =>
  screen.getAllByRole("rowheader").map((cell) => within(cell).getByRole("button").textContent);

beforeEach(() => {
  requests = [];
  isDown = false;
  deletionMs = 0;
  pageSize = 200;
  sources = [
    source("Talk", {
      kind: "recording",
      duration_s: 75,
      speakers: ["Ana"],
      passage_count: 9,
      created_at: "2026-11-21T10:00:00Z",
    }),
    source("<b>Book</b>", { pages: 12, passage_count: 40, tags: ["hr"] }),
    source("Theirs", { mine: false, access: "groups", created_at: "2026-11-19T10:00:00Z" }),
  ];
  vi.stubGlobal("fetch", answer);
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("LibraryPage", () => {
  it("shows what each source is, titles as text", async () => {
    show();
    const talk = await screen.findByRole("row", { name: /Talk/ });
    expect(talk.textContent).toContain("1:15");
    expect(talk.textContent).toContain("Ana");
    const book = screen.getByRole("row", { name: /<b>Book<\/b>/ });
    expect(book.textContent).toContain("12 pages");
    expect(book.textContent).toContain("40");
    expect(book.textContent).toContain("hr");
    const theirs = screen.getByRole("row", { name: /Theirs/ });
    expect(theirs.textContent).toContain("for some groups");
    expect(within(theirs).queryByRole("button", { name: /Delete/ })).toBeNull();
  });

  it("lets the server search, filter and sort", async () => {
    show();
    await screen.findByRole("row", { name: /Talk/ });
    expect(titles()).toEqual(["Talk", "<b>Book</b>", "Theirs"]);
    fireEvent.change(screen.getByRole("combobox", { name: "Order" }), { target: { value: "longest" } });
    await waitFor(() => {
      expect(titles()).toEqual(["<b>Book</b>", "Talk", "Theirs"]);
    });
    fireEvent.change(screen.getByRole("combobox", { name: "Kind" }), { target: { value: "recording" } });
    await waitFor(() => {
      expect(titles()).toEqual(["Talk"]);
    });
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "nothing like it" } });
    expect(await screen.findByText("No source matches.")).toBeTruthy();
    expect(requests.at(-1)?.address).toBe("/sources?q=nothing+like+it&kind=recording&order=longest");
  });

  it("comes page by page, and says how much there is in all", async () => {
    pageSize = 2;
    show();
    await screen.findByRole("row", { name: /Talk/ });
    expect(titles()).toEqual(["Talk", "<b>Book</b>"]);
    expect(screen.getByText("3 sources · 50 passages")).toBeTruthy();
    fireEvent.click(screen.getByRole("checkbox", { name: "Select “Talk”" }));
    fireEvent.click(screen.getByRole("button", { name: "Show more" }));
    await waitFor(() => {
      expect(titles()).toEqual(["Talk", "<b>Book</b>", "Theirs"]);
    });
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "Book" } });
    await waitFor(() => {
      expect(titles()).toEqual(["<b>Book</b>"]);
    });
    expect(screen.getByText("1 source selected")).toBeTruthy();
  });

  it("opens a source, and asks only what is chosen", async () => {
    const { onOpen, onAskOnly } = show();
    fireEvent.click(await screen.findByRole("button", { name: "Talk" }));
    expect(onOpen).toHaveBeenCalledWith(expect.objectContaining({ sourceId: "Talk" }));
    fireEvent.click(screen.getByRole("checkbox", { name: "Select “Talk”" }));
    fireEvent.click(screen.getByRole("checkbox", { name: "Select “Theirs”" }));
    fireEvent.click(screen.getByRole("button", { name: "Ask only these" }));
    expect(onAskOnly).toHaveBeenCalledWith({ source_ids: ["Talk", "Theirs"], kinds: [], tags: [] });
  });

  it("edits tags, and Escape leaves them", async () => {
    show();
    fireEvent.click(await screen.findByRole("button", { name: "Edit the tags of “<b>Book</b>”" }));
    const field = screen.getByRole("textbox", { name: /^Tags of/ });
    fireEvent.keyDown(field, { key: "Escape" });
    fireEvent.click(screen.getByRole("button", { name: "Edit the tags of “<b>Book</b>”" }));
    fireEvent.change(screen.getByRole("textbox", { name: /^Tags of/ }), { target: { value: "hr, new,, hr" } });
    fireEvent.blur(screen.getByRole("textbox", { name: /^Tags of/ }));
    await waitFor(() => {
      expect(requests.find(({ method }) => method === "PATCH")?.body).toEqual({ tags: ["hr", "new"] });
    });
  });

  it("deletes at once, and undoes it", async () => {
    show();
    const remove = await screen.findByRole("button", { name: "Delete “Talk”" });
    const [talk, ...others] = sources;
    sources = others;
    fireEvent.click(remove);
    await waitFor(() => {
      expect(titles()).toEqual(["<b>Book</b>", "Theirs"]);
    });
    if (talk !== undefined) sources = [talk, ...others];
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(await screen.findByRole("button", { name: "Delete “Talk”" })).toBeTruthy();
    expect(requests.map(({ address }) => address)).toContain("/sources/Talk/restore");
  });

  it("undoes a deletion only once the server has made it, and reads the library once", async () => {
    deletionMs = 30;
    show();
    fireEvent.click(await screen.findByRole("button", { name: "Delete “Talk”" }));
    fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
    expect(await screen.findByRole("button", { name: "Delete “Talk”" })).toBeTruthy();
    const seen = requests.slice(-3).map(({ method, address }) => `${method} ${address}`);
    expect(seen).toEqual(["deleted /sources/Talk", "POST /sources/Talk/restore", "GET /sources?order=newest"]);
  });

  it("says when it cannot be read, with a way on", async () => {
    isDown = true;
    show();
    expect((await screen.findByRole("alert")).textContent).toContain("could not be loaded");
    isDown = false;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("row", { name: /Talk/ })).toBeTruthy();
  });
});
