import { useSyncExternalStore } from "react";

import type { PlaceInSource } from "../protocol/api.ts";
import { ROOT_PATH } from "../protocol/addresses.ts";

/** Which conversation the address names; null on the start page. */
export function conversationIn(pathname: string): string | null {
  const id = /^\/c\/([^/]+)\/?$/.exec(pathname)?.[1];
  if (id === undefined) return null;
  try {
    return decodeURIComponent(id);
  } catch {
    return null; // a broken escape is no address of ours
  }
}

export function addressOf(sessionId: string | null): string {
  return sessionId === null ? "/" : `/c/${encodeURIComponent(sessionId)}`;
}

/** The address of the library. */
export const LIBRARY = "/library";

/** Whether the address is the library's. */
export function isLibrary(pathname: string): boolean {
  return pathname.replace(/\/$/, "") === LIBRARY;
}

/** Whether the page has anything at this address. */
export function isKnown(pathname: string): boolean {
  return pathname === "/" || isLibrary(pathname) || conversationIn(pathname) !== null;
}

/** The place in a source that a link from elsewhere opens in the library; null for none. */
export function placeIn(search: string): PlaceInSource | null {
  const query = new URLSearchParams(search);
  const sourceId = query.get("source");
  if (sourceId === null || sourceId === "") return null;
  const number = (name: string): number | null => {
    const given = query.get(name) ?? "";
    return /^\d{1,9}$/.test(given) ? Number(given) : null;
  };
  return {
    sourceId,
    passageId: query.get("passage") ?? "",
    page: number("page"),
    quoteStart: number("start"),
    quoteEnd: number("end"),
  };
}

/** The address of the page below the server's own path. */
export function currentPath(): string {
  const { pathname } = window.location;
  return pathname.startsWith(`${ROOT_PATH}/`) ? pathname.slice(ROOT_PATH.length) : pathname;
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

/** Goes to a conversation, or to the start page. `replace`: without a step in the history. */
export function navigate(sessionId: string | null, how: "push" | "replace" = "push"): void {
  goTo(addressOf(sessionId), how);
}

/** Goes to an address of the page. */
export function goTo(address: string, how: "push" | "replace" = "push"): void {
  if (how === "push") window.history.pushState(null, "", ROOT_PATH + address);
  else window.history.replaceState(null, "", ROOT_PATH + address);
  for (const listener of listeners) listener();
}

export function usePathname(): string {
  return useSyncExternalStore(subscribe, currentPath);
}
