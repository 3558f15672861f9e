// @vitest-environment node
import { describe, expect, it } from "vitest";

import { quoteInText } from "./quoteInText.ts";

/** The words that would be lit. */
function highlight(items: readonly string[], quote: string): string[] {
  return quoteInText(items, quote).map(({ item, start, end }) => (items[item] ?? "").slice(start, end));
}

describe("quoteInText", () => {
  it("finds a quote within an item and across items", () => {
    expect(highlight(["Take one tablet daily."], "one tablet")).toEqual(["one tablet"]);
    expect(highlight(["Take one", "tablet", "daily."], "one tablet daily")).toEqual([
      "one",
      "tablet",
      "daily",
    ]);
  });

  it.each([
    ["a hyphen at the line's end", ["the inter-", "action is known"], "the inter|action is"],
    ["a soft hyphen", ["the inter\u00ADaction is"], "the inter\u00ADaction is"],
    ["other white space", ["the\u00A0 interaction  is"], "the\u00A0 interaction  is"],
    ["composed accents", ["the inter\u0301action is"], "the inter\u0301action is"],
    ["other punctuation", ["“the” interaction, is"], "the” interaction, is"],
    ["another case", ["THE INTERACTION IS"], "THE INTERACTION IS"],
  ])("does not mind %s", (_, items, expected) => {
    expect(highlight(items, "the interaction\nis").join("|")).toBe(expected);
  });

  it("does not mind ligatures", () => {
    expect(highlight(["a ﬁrst oﬃce"], "first office")).toEqual(["ﬁrst oﬃce"]);
  });

  it("lights the part that is on this page when the quote goes on over the next", () => {
    const page = ["Somewhere above. The review found that the relay was set"];
    const quote = "The review found that the relay was set far too high for the new cable.";
    expect(highlight(page, quote)).toEqual(["The review found that the relay was set"]);
    const next = ["far too high for the new cable. Below."];
    expect(highlight(next, quote)).toEqual(["far too high for the new cable"]);
  });

  it("lights nothing when the quote is not there, or says nothing", () => {
    expect(quoteInText(["Some other text of this page"], "the interaction is known")).toEqual([]);
    expect(quoteInText(["a – b"], " – ")).toEqual([]);
    expect(quoteInText([], "a")).toEqual([]);
  });

  it("finds a row whose columns are named in the quote only", () => {
    const page = ["Item", "Price", "Stock", "Hose", "12.50", "3", "Pump", "450.00", "1"];
    expect(highlight(page, "Item: Pump; Price: 450.00; Stock: 1")).toEqual(["Pump", "450.00", "1"]);
    expect(highlight(page, "Item: Hose; Price: 12.50; Stock: 3\nItem: Pump; Price: 450.00")).toEqual(
      ["Hose", "12.50", "3", "Pump", "450.00"],
    );
  });

  it("keeps offsets true behind characters outside the basic plane", () => {
    expect(highlight(["😀😀 the 𝐛old word"], "old word")).toEqual(["old word"]);
  });

  it("reads each letter once, whatever repeats", () => {
    // Minutes if every place where the quote might begin is compared from there.
    const page = `${"a".repeat(400_000)}b${"a".repeat(400_000)}`;
    const quote = `${"a".repeat(20_000)}b${"a".repeat(20_000)}c`;
    const [found] = quoteInText([page], quote);
    expect(found).toEqual({ item: 0, start: 380_000, end: 420_001 });
  });
});
