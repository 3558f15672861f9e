import { describe, expect, it } from "vitest";

import { isUnfiltered, NO_FILTERS } from "../protocol/api.ts";
import { scopeLabel } from "./scope.ts";

describe("scopeLabel", () => {
  it("says on which days the sources were added", () => {
    const since = { ...NO_FILTERS, after: "2026-11-01" };
    expect(isUnfiltered(since)).toBe(false);
    expect(scopeLabel(since, [])).toBe("Added since 2026-11-01");
    expect(scopeLabel({ ...NO_FILTERS, before: "2026-11-08" }, [])).toBe("Added before 2026-11-08");
    const week = { ...since, before: "2026-11-08" };
    expect(scopeLabel(week, [])).toBe("Added 2026-11-01 up to 2026-11-08");
    expect(scopeLabel(NO_FILTERS, [])).toBe("All sources");
  });
});
