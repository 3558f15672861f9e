import { afterEach, describe, expect, it } from "vitest";

import { setLanguage } from "../i18n/i18n.ts";
import { fidelityText } from "./fidelity.ts";

const NOTES = [
  { kind: "pages_without_text", count: 3, total: 22 },
  { kind: "pictures", count: 2, total: null },
  { kind: "hidden_sheets", count: 1, total: 3 },
];

afterEach(() => setLanguage("en"));

describe("fidelityText", () => {
  it("says what of the file is not in the text", () => {
    expect(fidelityText(NOTES)).toBe("3 of 22 pages have no text; 2 pictures; 1 hidden sheet");
    expect(fidelityText([])).toBe("");
  });

  it("names the encoding that was guessed", () => {
    const guess = { kind: "doubtful_encoding", count: 1, total: null };
    expect(fidelityText([{ ...guess, detail: "Windows-1250" }])).toBe(
      "Read as Windows-1250. If letters look wrong, save the file as UTF-8 and add it again",
    );
    expect(fidelityText([guess])).toBe("The encoding is a guess");
  });

  it("agrees in number with what is counted", () => {
    const one = { kind: "unreadable_chapters", count: 1 };
    expect(fidelityText([{ kind: "pages_without_text", count: 1, total: 22 }])).toBe(
      "1 of 22 pages has no text",
    );
    expect(fidelityText([{ ...one, total: 1 }])).toBe("1 chapter cannot be read");
    expect(fidelityText([{ ...one, total: null }])).toBe("1 chapter cannot be read");
  });

  it("speaks the language of the page", async () => {
    await setLanguage("de");
    expect(fidelityText(NOTES)).toBe(
      "3 von 22 Seiten haben keinen Text; 2 Bilder; 1 ausgeblendetes Tabellenblatt",
    );
  });

  it("shows a kind that it does not know as the server names it", () => {
    expect(fidelityText([{ kind: "torn_corners", count: 1200, total: null }])).toBe(
      "1,200 torn corners",
    );
  });
});
