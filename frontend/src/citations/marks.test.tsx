import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Citation, MarkedPassage } from "../protocol/events.gen.ts";
import { CitedText } from "./CitedText.tsx";
import { copyText } from "./copyText.ts";
import { describeMark } from "./marks.ts";
import { SourceList } from "./SourceList.tsx";

const PASSAGE: MarkedPassage = {
  marker: 1,
  passage_id: "p1",
  source_id: "s1",
  title: "Aripiprazole",
  kind: "document",
  text: "Nausea is common.",
  heading: "Side effects",
  page: 3,
  start_s: null,
  speaker: null,
};
const CITATION: Citation = {
  ...PASSAGE,
  quote: "Nausea",
  quote_start: 0,
  quote_end: 6,
  end_s: null,
  url: null,
  verified: true,
  support: "same words",
};
const UNKNOWN: Citation = {
  ...CITATION,
  marker: 7,
  passage_id: null,
  source_id: null,
  title: null,
  quote: null,
  verified: false,
  support: null,
};

afterEach(cleanup);

describe("describeMark", () => {
  it("knows a passage before its verdict", () => {
    const info = describeMark(1, { passages: [PASSAGE], citations: [], hasVerdicts: false });
    expect(info).toMatchObject({ verdict: "pending", title: "Aripiprazole", text: PASSAGE.text });
    expect(info.target).toMatchObject({ passageId: "p1", quoteStart: null });
  });

  it.each([
    [CITATION, "verified"],
    [{ ...CITATION, verified: false }, "unverified"],
    [{ ...CITATION, verified: false, support: null }, "unchecked"],
  ])("shows the verdict", (citation, verdict) => {
    const info = describeMark(1, { passages: [PASSAGE], citations: [citation], hasVerdicts: true });
    expect(info).toMatchObject({ verdict, text: "Nausea", target: { quoteStart: 0, quoteEnd: 6 } });
  });

  it("opens nothing for a mark that names no passage", () => {
    const cited = describeMark(7, { passages: [PASSAGE], citations: [UNKNOWN], hasVerdicts: true });
    const invented = describeMark(9, { passages: [PASSAGE], citations: [], hasVerdicts: true });
    expect([cited.verdict, cited.target]).toEqual(["unknown", null]);
    expect([invented.verdict, invented.target]).toEqual(["unknown", null]);
  });
});

describe("CitedText", () => {
  it("previews on focus and opens on click", () => {
    const onOpen = vi.fn();
    const evidence = { passages: [PASSAGE], citations: [CITATION], hasVerdicts: true };
    render(<CitedText text="Nausea [1]" streaming={false} {...evidence} onOpen={onOpen} />);
    const mark = screen.getByRole("button", { name: "Source 1: Aripiprazole, verified" });
    fireEvent.focus(mark);
    expect(screen.getByRole("tooltip").textContent).toContain("Side effects");
    expect(mark.getAttribute("aria-describedby")).toBe(screen.getByRole("tooltip").id);
    fireEvent.click(mark);
    expect(screen.queryByRole("tooltip")).toBeNull();
    expect(onOpen).toHaveBeenCalledWith({
      sourceId: "s1",
      passageId: "p1",
      page: 3,
      quoteStart: 0,
      quoteEnd: 6,
      quote: "Nausea",
    });
  });

  it("reads what a mark stands for once, however often the answer has it", () => {
    const passages = [PASSAGE];
    const find = vi.spyOn(passages, "find");
    const evidence = { citations: [], hasVerdicts: false, onOpen: vi.fn() };
    const { rerender } = render(<CitedText text={"[1]".repeat(50)} streaming passages={passages} {...evidence} />);
    rerender(<CitedText text={"[1]".repeat(60)} streaming passages={passages} {...evidence} />);
    expect(screen.getAllByRole("button", { name: /^Source 1: Aripiprazole/ })).toHaveLength(60);
    expect(find).toHaveBeenCalledTimes(1);
  });
});

describe("SourceList", () => {
  const other = { ...CITATION, marker: 2, verified: false, support: "other words" };
  it.each([
    [[CITATION], "1 source, all verified"],
    [[CITATION, UNKNOWN], "1 source, all verified; 1 citation without a source"],
    [[CITATION, other, UNKNOWN], "2 sources, 1 not verified; 1 citation without a source"],
    [[UNKNOWN, { ...UNKNOWN, marker: 8 }], "2 citations without a source"],
  ])("counts the sources that exist, and apart from them marks without one", (citations, summary) => {
    const evidence = { passages: [PASSAGE], citations, hasVerdicts: true };
    const { container } = render(<SourceList {...evidence} onOpen={vi.fn()} />);
    expect(container.querySelector("summary")?.textContent).toBe(summary);
    cleanup();
  });
});

describe("copyText", () => {
  it("lists numbered sources and says which are not verified", () => {
    const evidence = { passages: [PASSAGE], citations: [CITATION, UNKNOWN], hasVerdicts: true };
    expect(copyText("Nausea [1] [7]\n", evidence)).toBe(
      "Nausea [1] [7]\n\nSources\n[1] Aripiprazole, Side effects · page 3\n[7] No such source, page 3 (not verified)\n",
    );
    expect(copyText("Plain", { passages: [], citations: [], hasVerdicts: true })).toBe("Plain");
  });
});
