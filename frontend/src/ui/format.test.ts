import { afterEach, describe, expect, it } from "vitest";

import { setLanguage } from "../i18n/i18n.ts";
import { clock, count, duration, fixed, place } from "./format.ts";

describe("formats", () => {
  afterEach(async () => {
    await setLanguage("en");
    localStorage.clear();
  });

  it("write times as people do", () => {
    expect([clock(5.9), clock(75), clock(3675)]).toEqual(["0:05", "1:15", "1:01:15"]);
    expect([duration(0.4), duration(14.2), duration(1234)]).toEqual(["<1 ms", "14 ms", "1.2 s"]);
  });

  it("say how many and where", () => {
    expect([count(1, "passage"), count(1234, "passage")]).toEqual(["1 passage", "1,234 passages"]);
    expect(place({ page: 3, start_s: 75 })).toBe("page 3 · at 1:15");
  });

  it("follow the reader's language", async () => {
    await setLanguage("de");
    expect(count(1234, "passage")).toBe("1.234 Textstellen");
    expect([duration(0.4), duration(1234), fixed(0.5, 2)]).toEqual(["<1 ms", "1,2 s", "0,50"]);
    expect(place({ page: 3, start_s: 75 })).toBe("Seite 3 · bei 1:15");
  });
});
