import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";

import { setLanguage } from "../i18n/i18n.ts";
import { ENTER, MOTION, THEME } from "../ui/preferences.ts";
import { SettingsPanel } from "./SettingsPanel.tsx";

afterEach(async () => {
  cleanup();
  await setLanguage("en");
  THEME.set("system");
  MOTION.set("system");
  ENTER.set("sends");
  localStorage.clear();
});

describe("SettingsPanel", () => {
  it("changes colours, Enter and movement at once, and keeps them", () => {
    render(<SettingsPanel />);
    fireEvent.click(screen.getByRole("radio", { name: "Dark" }));
    fireEvent.click(screen.getByRole("radio", { name: "Starts a new line" }));
    fireEvent.click(screen.getByRole("radio", { name: "Reduced" }));
    const { theme, motion } = document.documentElement.dataset;
    expect([theme, motion, ENTER.get()]).toEqual(["dark", "reduced", "breaks"]);
    const kept = ["theme", "motion", "enter"].map((key) => localStorage.getItem(`citestream.${key}`));
    expect(kept).toEqual(["dark", "reduced", "breaks"]);
    const colours = screen.getByRole("group", { name: "Theme" });
    expect(within(colours).getByRole<HTMLInputElement>("radio", { name: "Dark" }).checked).toBe(true);
  });

  it("speaks another language from now on", async () => {
    render(<SettingsPanel />);
    const field = screen.getByRole("combobox", { name: "Language" });
    await act(async () => {
      fireEvent.change(field, { target: { value: "de" } });
      await setLanguage("de");
    });
    expect(await screen.findByRole("heading", { name: "Einstellungen" })).toBeTruthy();
    expect(localStorage.getItem("citestream.language")).toBe("de");
  });
});
