import { act, cleanup, render, screen } from "@testing-library/react";
import { memo } from "react";
import { afterEach, describe, expect, it } from "vitest";

import { setLanguage } from "./i18n.ts";
import { useT } from "./useLanguage.ts";

const Close = memo(function Close() {
  return <p>{useT()("ui:close")}</p>;
});

afterEach(async () => {
  cleanup();
  await setLanguage("en");
});

describe("useT", () => {
  it("draws a component again when the language changes", async () => {
    render(<Close />);
    expect(screen.getByText("Close")).toBeTruthy();
    await act(() => setLanguage("de"));
    expect(screen.getByText("Schließen")).toBeTruthy();
  });
});
