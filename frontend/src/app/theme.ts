export type Theme = "system" | "light" | "dark";

const KEY = "theme";
const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };

export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system"; // storage can be forbidden altogether
  }
}

export function applyStoredTheme(): void {
  apply(storedTheme());
}

/** Switches to the next theme, remembers it and returns it. */
export function nextTheme(current: Theme): Theme {
  const theme = NEXT[current];
  apply(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    return theme; // it holds until the page is closed
  }
  return theme;
}

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
