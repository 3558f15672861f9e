import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Citation, MarkedPassage } from "../protocol/events.gen.ts";
import { CitedText } from "./CitedText.tsx";
import { copyText } from "./copyText.ts";
import { numberMarks, withNumbers } from "./markNumbers.ts";
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
    const info = describeMark(1, { passages: [PASSAGE], citations: [], hasVerdicts: false, isQuoted: false });
    expect(info).toMatchObject({ verdict: "pending", title: "Aripiprazole", text: PASSAGE.text });
    expect(info.target).toMatchObject({ passageId: "p1", quoteStart: null });
  });

  it.each([
    [CITATION, "verified"],
    [{ ...CITATION, verified: false }, "unverified"],
    [{ ...CITATION, verified: false, support: null }, "unchecked"],
  ])("shows the verdict", (citation, verdict) => {
    const info = describeMark(1, { passages: [PASSAGE], citations: [citation], hasVerdicts: true, isQuoted: false });
    expect(info).toMatchObject({ verdict, text: "Nausea", target: { quoteStart: 0, quoteEnd: 6 } });
  });

  it("says of quotes that they are quoted, whatever a check would say", () => {
    const citation = { ...CITATION, verified: false };
    const quotes = { passages: [PASSAGE], citations: [citation], hasVerdicts: true, isQuoted: true };
    expect(describeMark(1, quotes)).toMatchObject({ verdict: "quoted", support: null });
    expect(describeMark(1, { ...quotes, citations: [], hasVerdicts: false }).verdict).toBe("quoted");
  });

  it("opens nothing for a mark that names no passage", () => {
    const cited = describeMark(7, { passages: [PASSAGE], citations: [UNKNOWN], hasVerdicts: true, isQuoted: false });
    const invented = describeMark(9, { passages: [PASSAGE], citations: [], hasVerdicts: true, isQuoted: false });
    expect([cited.verdict, cited.target]).toEqual(["unknown", null]);
    expect([invented.verdict, invented.target]).toEqual(["unknown", null]);
    const streaming = { passages: [PASSAGE], citations: [], hasVerdicts: false, isQuoted: false };
    expect(describeMark(9, streaming).verdict).toBe("unknown");
  });
});

describe("CitedText", () => {
  it("previews on focus and opens on click", () => {
    const onOpen = vi.fn();
    const evidence = { passages: [PASSAGE], citations: [CITATION], hasVerdicts: true, isQuoted: false };
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
    const evidence = { citations: [], hasVerdicts: false, isQuoted: false, onOpen: vi.fn() };
    const { rerender } = render(<CitedText text={"[1]".repeat(50)} streaming passages={passages} {...evidence} />);
    rerender(<CitedText text={"[1]".repeat(60)} streaming passages={passages} {...evidence} />);
    expect(screen.getAllByRole("button", { name: /^Source 1: Aripiprazole/ })).toHaveLength(60);
    expect(find).toHaveBeenCalledTimes(1);
  });
});

describe("the marks of an answer", () => {
  const passages = [3, 4, 5].map((marker) => ({ ...PASSAGE, marker, passage_id: `p${marker}` }));
  const text = "A [5], `b[4]` b [9] c [3][5].";

  it("are numbered as they first appear, without code and without marks that name no passage", () => {
    expect([...numberMarks(text, { passages, citations: [] })]).toEqual([[5, 1], [3, 2]]);
  });

  it("are shown with these numbers, and as text without a passage", () => {
    const evidence = { passages, citations: [], hasVerdicts: false, isQuoted: false };
    const { container } = render(<CitedText text={text} streaming={false} {...evidence} onOpen={vi.fn()} />);
    expect(container.textContent).toBe("A [1], b[4] b [9] c [2][1].");
    expect(screen.getAllByRole("button").map((mark) => mark.textContent)).toEqual(["[1]", "[2]", "[1]"]);
  });

  it("are copied with these numbers", () => {
    const numbers = numberMarks(text, { passages, citations: [] });
    expect(withNumbers("A [3, 5] `[3]` [9] [5](x)", numbers)).toBe("A [2, 1] `[3]` [9] [5](x)");
  });
});

describe("SourceList", () => {
  const other = { ...CITATION, marker: 2, source_id: "other", verified: false, support: "other words" };
  const again = { ...CITATION, marker: 3, passage_id: "again" };
  it.each([
    [[CITATION], "1 source, all verified"],
    [[CITATION, UNKNOWN], "1 source, all verified"],
    [[CITATION, other, UNKNOWN], "2 sources, 1 not verified"],
    [[CITATION, again], "2 passages from 1 source, all verified"],
    [[UNKNOWN, { ...UNKNOWN, marker: 8 }], undefined],
  ])("counts the sources that exist", (citations, summary) => {
    const evidence = { passages: [PASSAGE], citations, hasVerdicts: true, isQuoted: false };
    const { container } = render(<SourceList {...evidence} onOpen={vi.fn()} />);
    expect(container.querySelector("summary")?.textContent).toBe(summary);
    cleanup();
  });

  it("numbers them in the order in which they are cited", () => {
    const evidence = { passages: [], citations: [{ ...other, marker: 5 }, CITATION], hasVerdicts: true, isQuoted: true };
    const { container } = render(<SourceList {...evidence} onOpen={vi.fn()} />);
    expect(container.querySelector("summary")?.textContent).toBe("2 sources, quoted word for word");
    expect(screen.getAllByRole("listitem", { hidden: true }).map((item) => item.textContent.slice(0, 3))).toEqual(["[1]", "[2]"]);
  });
});

describe("copyText", () => {
  it("lists numbered sources, without marks that name none", () => {
    const evidence = { passages: [PASSAGE], citations: [CITATION, UNKNOWN], hasVerdicts: true, isQuoted: false };
    expect(copyText("Nausea [1] [7]\n", evidence)).toBe(
      "Nausea [1] [7]\n\nSources\n[1] Aripiprazole, Side effects · page 3\n",
    );
    expect(copyText("Plain", { passages: [], citations: [], hasVerdicts: true, isQuoted: false })).toBe("Plain");
  });
});
