import { useSyncExternalStore } from "react";

import { browserSignals } from "../session/browserSignals.ts";

const subscribe = (listener: () => void): (() => void) => browserSignals.subscribe(listener);

/** True from the moment the browser says that there is no network. */
export function useOffline(): boolean {
  return useSyncExternalStore(subscribe, () => !browserSignals.online());
}
