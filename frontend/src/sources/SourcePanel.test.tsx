import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import "../i18n/i18n.ts";
import { SourcePanel } from "./SourcePanel.tsx";

const SOURCE = {
  source_id: "s-1",
  title: "Survey",
  kind: "document",
  media_type: "text/plain",
  pages: null,
  duration_s: null,
  passage_count: 1,
  speakers: [],
};
const PASSAGE = {
  passage_id: "p-1",
  position: 0,
  text: "There were 47 nests.",
  heading: null,
  page: null,
  char_start: 0,
  char_end: 20,
  cues: [],
};
const PLACE = { sourceId: "s-1", passageId: "p-1", page: null, quoteStart: 11, quoteEnd: 19, quote: "47 nests" };

const onClose = vi.fn();
let queries: QueryClient;

function serve(): void {
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => {
    const address = input instanceof Request ? input.url : String(input);
    const isPassages = address.endsWith("/passages");
    return Promise.resolve(Response.json(isPassages ? { items: [PASSAGE] } : SOURCE));
  });
}

function Page({ isOpen }: { readonly isOpen: boolean }) {
  return (
    <QueryClientProvider client={queries}>
      <button type="button">Source 1</button>
      {isOpen ? <SourcePanel place={PLACE} onClose={onClose} /> : null}
    </QueryClientProvider>
  );
}

const panel = (): HTMLElement => screen.getByRole("complementary", { name: "Source" });

beforeEach(() => {
  queries = new QueryClient({ defaultOptions: { queries: { staleTime: 30_000, retryDelay: 1 } } });
  Element.prototype.scrollIntoView = () => undefined;
});

afterEach(cleanup);

describe("SourcePanel", () => {
  it("has the focus before its content is loaded, keeps it, and gives it back", async () => {
    serve();
    const { rerender } = render(<Page isOpen={false} />);
    const mark = screen.getByRole("button", { name: "Source 1" });
    mark.focus();
    rerender(<Page isOpen />);
    const opened = panel();
    expect(document.activeElement).toBe(opened);
    expect(screen.queryByText("47 nests")).toBeNull();
    await screen.findByText("47 nests");
    expect(panel()).toBe(opened);
    expect(document.activeElement).toBe(opened);
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(onClose).toHaveBeenCalledOnce();
    rerender(<Page isOpen={false} />);
    expect(document.activeElement).toBe(mark);
  });

  it("is drawn whole at once when its content is known", async () => {
    serve();
    const { rerender } = render(<Page isOpen />);
    await screen.findByText("47 nests");
    rerender(<Page isOpen={false} />);
    rerender(<Page isOpen />);
    expect(screen.getByText("47 nests").closest("section")?.getAttribute("aria-current")).toBe("location");
  });

  it("can be tried again when the source could not be loaded", async () => {
    const failing = vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("network error"));
    render(<Page isOpen />);
    const again = await screen.findByRole("button", { name: "Try again" });
    failing.mockRestore();
    serve();
    fireEvent.click(again);
    await screen.findByText("47 nests");
    expect(screen.queryByRole("alert")).toBeNull();
  });
});
