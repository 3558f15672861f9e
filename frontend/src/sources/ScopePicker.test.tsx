import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { NO_FILTERS, type Source } from "../protocol/api.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { ScopePicker } from "./ScopePicker.tsx";

const FIRST_PAGE = 10;
const titles = Array.from({ length: 30 }, (_, number) => `Source ${number}`);
let requests: string[];

function source(title: string): Pick<Source, "source_id" | "title" | "kind"> {
  return { source_id: title.toLowerCase().replace(" ", "-"), title, kind: "document" };
}

/** As the server answers: a page of what has the words, or one source. */
function answer(input: RequestInfo | URL): Promise<Response> {
  const address = typeof input === "string" ? input : "";
  requests.push(address);
  const { pathname, searchParams } = new URL(address, "http://here");
  const one = titles.map(source).find(({ source_id: id }) => pathname === `/sources/${id}`);
  if (one !== undefined) return Promise.resolve(Response.json(one));
  const found = titles.filter((title) => title.includes(searchParams.get("q") ?? ""));
  const items = found.slice(0, FIRST_PAGE).map(source);
  return Promise.resolve(Response.json({ items, next: "more" }));
}

function show(filters: Filters = NO_FILTERS) {
  const onChange = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <ScopePicker filters={filters} onChange={onChange} />
    </QueryClientProvider>,
  );
  return onChange;
}

beforeEach(() => {
  requests = [];
  vi.stubGlobal("fetch", answer);
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("ScopePicker", () => {
  it("finds sources that are on no page that was read", async () => {
    const onChange = show();
    fireEvent.click(screen.getByRole("button", { name: /Searching/ }));
    const field = await screen.findByRole("searchbox", { name: "Find a source" });
    expect(screen.queryByRole("checkbox", { name: /Source 27/ })).toBeNull();
    fireEvent.change(field, { target: { value: " Source 27" } });
    fireEvent.click(await screen.findByRole("checkbox", { name: /Source 27/ }));
    expect(onChange).toHaveBeenCalledWith({ ...NO_FILTERS, source_ids: ["source-27"] });
    expect(requests).toContain("/sources?q=Source+27&limit=50");
  });

  it("names a chosen source that is on no page that was read", async () => {
    show({ ...NO_FILTERS, source_ids: ["source-27"] });
    await waitFor(() => {
      expect(screen.getByRole("button", { name: "Searching: Source 27. Change" })).toBeTruthy();
    });
    expect(requests).toEqual(["/sources/source-27"]);
  });
});
