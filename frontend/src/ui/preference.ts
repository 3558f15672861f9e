import { useSyncExternalStore } from "react";

/** Other programs may keep things at the same origin. */
export const PREFIX = "citestream.";

/** A choice of the reader that this browser keeps. `apply` makes it visible, if drawing does not. */
export class Preference<Value extends string> {
  readonly #key: string;
  readonly #apply: (value: Value) => void;
  readonly #listeners = new Set<() => void>();
  #value: Value;
  /** What can be chosen; the first counts until something is. */
  readonly values: readonly [Value, ...Value[]];

  constructor(
    key: string,
    values: readonly [Value, ...Value[]],
    apply: (value: Value) => void = () => undefined,
  ) {
    this.#key = key;
    this.#apply = apply;
    this.values = values;
    this.#value = this.#stored();
    apply(this.#value);
    globalThis.addEventListener("storage", this.#onStorage);
  }

  /** Another tab chose: `key` is null when everything was cleared. */
  readonly #onStorage = ({ key }: StorageEvent): void => {
    if (key === null || key === PREFIX + this.#key) this.#show(this.#stored());
  };

  readonly get = (): Value => this.#value;

  readonly set = (value: Value): void => {
    try {
      localStorage.setItem(PREFIX + this.#key, value);
    } catch {
      // Storage can be forbidden: the choice then holds until the page is closed.
    }
    this.#show(value);
  };

  #show(value: Value): void {
    this.#value = value;
    this.#apply(value);
    for (const listener of this.#listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #stored(): Value {
    try {
      const stored = localStorage.getItem(PREFIX + this.#key) ?? localStorage.getItem(this.#key);
      return this.values.find((value) => value === stored) ?? this.values[0];
    } catch {
      return this.values[0];
    }
  }
}

/** The choice, and how to change it; the component draws again when it changes. */
export function usePreference<Value extends string>(
  preference: Preference<Value>,
): readonly [Value, (value: Value) => void] {
  return [useSyncExternalStore(preference.subscribe, preference.get), preference.set];
}
