import { useSyncExternalStore } from "react";

import { Preference, usePreference } from "./preference.ts";

const page = document.documentElement;

/** Light or dark; "system" goes with the device. */
export const THEME = new Preference("theme", ["system", "light", "dark"], (theme) => {
  if (theme === "system") delete page.dataset.theme;
  else page.dataset.theme = theme;
});

/** Whether things move; "system" goes with the device. */
export const MOTION = new Preference("motion", ["system", "reduced"], (motion) => {
  if (motion === "system") delete page.dataset.motion;
  else page.dataset.motion = motion;
});

/** What Enter does in the composer: the other one is Shift+Enter, or Ctrl+Enter. */
export const ENTER = new Preference("enter", ["sends", "breaks"]);

const CALM = "(prefers-reduced-motion: reduce)";

function subscribeToCalm(listener: () => void): () => void {
  const media = window.matchMedia(CALM);
  media.addEventListener("change", listener);
  return () => {
    media.removeEventListener("change", listener);
  };
}

/** True when nothing should move, by the device's setting or the page's own. */
export function useReducedMotion(): boolean {
  const [motion] = usePreference(MOTION);
  const isCalm = useSyncExternalStore(subscribeToCalm, () => window.matchMedia(CALM).matches);
  return isCalm || motion === "reduced";
}
