import { expect, it, vi } from "vitest";

import { decodeNamedCharacterReference } from "./namedReferences.ts";

it.each([
  ["amp", "&"],
  ["semi", ";"],
  ["nbsp", "\u00a0"],
  ["NotEqualTilde", "\u2242\u0338"],
  ["notit", false],
  ["nosuchname", false],
])("reads &%s; as %j", (name, expected) => {
  expect(decodeNamedCharacterReference(name)).toBe(expected);
});

it("asks the browser once for each name", () => {
  const parsed = vi.spyOn(Element.prototype, "innerHTML", "set");
  const read = ["hearts", "nobodysname", "hearts", "nobodysname"].map(decodeNamedCharacterReference);
  expect(read).toEqual(["♥", false, "♥", false]);
  expect(parsed).toHaveBeenCalledTimes(2);
});
