import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { NotFound } from "./NotFound.tsx";
import { newQueries } from "./queries.ts";
import { isKnown } from "./route.ts";
import { usePageTitle } from "./usePageTitle.ts";

function conversation(id: string, title: string) {
  return { session_id: id, title, filters: {}, created_at: "", updated_at: "", active_run_id: null };
}

/** A server whose list has one conversation, and that knows an older one. */
function serve(): void {
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const address = input instanceof Request ? input.url : String(input);
    const one = address.startsWith("/conversations/old")
      ? conversation("old", "An older one")
      : { items: [conversation("new", "Side effects")], next: null };
    return Promise.resolve(Response.json(one));
  });
}

function Titled({ pathname }: { readonly pathname: string }) {
  usePageTitle(pathname);
  return null;
}

afterEach(cleanup);

describe("the title of the browser's tab", () => {
  it.each([
    ["/", "Citestream"],
    ["/library", "Library · Citestream"],
    ["/c/new", "Side effects · Citestream"],
    ["/c/old", "An older one · Citestream"],
    ["/nowhere", "There is no page at this address. · Citestream"],
  ])("at %s is %s", async (pathname, title) => {
    serve();
    document.title = "";
    render(
      <QueryClientProvider client={newQueries()}>
        <Titled pathname={pathname} />
      </QueryClientProvider>,
    );
    await waitFor(() => {
      expect(document.title).toBe(title);
    });
  });
});

describe("an address", () => {
  it.each(["/", "/library", "/library/", "/c/a"])("%s is one of the page's", (pathname) => {
    expect(isKnown(pathname)).toBe(true);
  });

  it.each(["/nowhere", "/c/", "/c/a/b", "/conversations/a"])("%s has nothing, and a way back", (pathname) => {
    expect(isKnown(pathname)).toBe(false);
    render(<NotFound />);
    expect(screen.getByRole("link").getAttribute("href")).toBe("/");
  });
});
