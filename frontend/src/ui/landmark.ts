import type { RefObject } from "react";

/**
 * Where things go that lie over the page: all that is read belongs to a landmark. Read when
 * something opens: the page may not have been drawn before.
 */
export const LANDMARK: RefObject<HTMLElement> = {
  get current() {
    return document.querySelector("main") ?? document.body;
  },
};
