/** How this server signs people in; `proxy`: whatever stands in front of it does. */
export type Auth = "none" | "token" | "proxy" | "jwt";

type Listener = () => void;

/** Whether the server wants this person to sign in. One per page: everything asks the same server. */
export class SignIn {
  readonly #listeners = new Set<Listener>();
  readonly #doneListeners = new Set<Listener>();
  #auth: Auth | null = null;
  #wasIn = false;

  /** How to sign in, when that is needed; else null. */
  readonly get = (): Auth | null => this.#auth;

  /** True when this page was served before the server asked for a sign-in: then one has ended. */
  get hasEnded(): boolean {
    return this.#wasIn && this.#auth !== null;
  }

  /** Calls `listener` when `get` changes; returns how to stop listening. */
  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls `listener` when somebody has signed in, so that it can go on. */
  readonly onDone = (listener: Listener): (() => void) => {
    this.#doneListeners.add(listener);
    return () => this.#doneListeners.delete(listener);
  };

  /** The server refused a request for want of a sign-in. */
  require(auth: unknown): void {
    this.#set(auth === "proxy" || auth === "jwt" ? auth : "token");
  }

  /** The server gave what only somebody who may read it gets. */
  served(): void {
    this.#wasIn = true;
  }

  done(): void {
    this.served();
    this.#set(null);
    for (const listener of this.#doneListeners) listener();
  }

  #set(auth: Auth | null): void {
    if (auth === this.#auth) return;
    this.#auth = auth;
    for (const listener of this.#listeners) listener();
  }
}

export const signIn = new SignIn();
