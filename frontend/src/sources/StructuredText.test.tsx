import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";

import "../i18n/i18n.ts";
import { StructuredText } from "./StructuredText.tsx";

afterEach(cleanup);

describe("StructuredText", () => {
  it("marks the quote inside cells, items and code", () => {
    const text = "Tea: Assam; Price: 4\nTea: Oolong; Price: 5\n1. Boil water.\nbrew(tea)";
    const structure = [
      { kind: "row", start: 0, end: 20 },
      { kind: "row", start: 21, end: 42 },
      { kind: "item", start: 43, end: 57 },
      { kind: "code", start: 58, end: 67 },
    ];
    const highlight = [text.indexOf("Oolong"), text.indexOf("(tea)")] as const;
    const { container } = render(<StructuredText {...{ text, structure, highlight }} />);
    const marked = [...container.querySelectorAll("mark")].map((mark) => mark.textContent);
    expect(marked).toEqual(["Oolong", "5", "1. Boil water.", "brew"]);
    expect(screen.getAllByRole("columnheader").map((head) => head.textContent)).toEqual(["Tea", "Price"]);
    expect(screen.getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["Assam", "4", "Oolong", "5"]);
    expect(screen.getAllByRole("listitem")).toHaveLength(1);
    expect(container.querySelector("pre")?.textContent).toBe("brew(tea)");
  });
});
