// @vitest-environment node
import { describe, expect, it } from "vitest";

import { isUnfiltered, NO_FILTERS } from "../protocol/api.ts";
import { daysOf, withDays } from "./days.ts";
import { anySource, isAnySource, onlyKind, scopeLabel, toggleSource } from "./scope.ts";

const SINCE = { ...NO_FILTERS, after: "2026-11-01" };
const WEEK = { ...SINCE, before: "2026-11-08" };

describe("scopeLabel", () => {
  it("says on which days the sources were added, the last one included", () => {
    expect(isUnfiltered(SINCE)).toBe(false);
    expect(scopeLabel(SINCE, [])).toBe("Added since Nov 1, 2026");
    expect(scopeLabel({ ...NO_FILTERS, before: "2026-11-08" }, [])).toBe("Added until Nov 7, 2026");
    expect(scopeLabel(WEEK, [])).toBe("Added Nov 1, 2026 to Nov 7, 2026");
    expect(scopeLabel({ ...SINCE, before: "2026-11-02" }, [])).toBe("Added on Nov 1, 2026");
    expect(scopeLabel(NO_FILTERS, [])).toBe("All sources");
  });

  it("says what is searched and of which days", () => {
    expect(scopeLabel(onlyKind(SINCE, "recording"), [])).toBe(
      "Recordings only · Added since Nov 1, 2026",
    );
  });
});

describe("the days of a scope", () => {
  it("stay while other sources are chosen", () => {
    const one = toggleSource(onlyKind(WEEK, "document"), "a");
    expect(one).toEqual({ ...WEEK, source_ids: ["a"] });
    expect(anySource(one)).toEqual(WEEK);
    expect(isAnySource(one)).toBe(false);
    expect(isAnySource(WEEK)).toBe(true);
  });

  it("are both included, and the server's first day after them is not", () => {
    expect(withDays(NO_FILTERS, { from: "2026-11-01" })).toEqual(SINCE);
    expect(withDays(SINCE, { to: "2026-11-07" })).toEqual(WEEK);
    expect(daysOf(WEEK)).toEqual({ from: "2026-11-01", to: "2026-11-07" });
    expect(withDays(NO_FILTERS, { to: "2026-12-31" })).toEqual({
      ...NO_FILTERS,
      before: "2027-01-01",
    });
  });

  it("are gone, not empty, when they are taken back", () => {
    expect(withDays(WEEK, { from: "", to: "" })).toEqual(NO_FILTERS);
    expect(Object.keys(withDays(WEEK, { to: "" }))).not.toContain("before");
  });

  it("become the chosen one when the other lies on its wrong side", () => {
    expect(daysOf(withDays(WEEK, { from: "2026-12-24" }))).toEqual({
      from: "2026-12-24",
      to: "2026-12-24",
    });
    expect(daysOf(withDays(WEEK, { to: "2026-10-03" }))).toEqual({
      from: "2026-10-03",
      to: "2026-10-03",
    });
  });
});
