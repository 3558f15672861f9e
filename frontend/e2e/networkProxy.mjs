import { connect, createServer } from "node:net";

import { check } from "./browser.mjs";

/**
 * The network between one journey's browser and the server, which can go dead as in a tunnel: open
 * streams too, which the browser's own "offline" leaves alone. What is on the way then arrives later.
 */
export class NetworkProxy {
  #server;
  #ends = new Set();
  #isDead = false;

  /** From a port of its own to the server at `url`, until the context is closed. */
  static async start(context, url = process.env.BASE_URL) {
    const { protocol, hostname, port } = new URL(url);
    check(protocol === "http:", `the proxy carries http://, not ${url}`);
    const network = new NetworkProxy();
    network.#server = createServer((near) => network.#join(near, connect(port || 80, hostname)));
    network.#server.unref();
    await new Promise((listening) => network.#server.listen(0, "127.0.0.1", listening));
    context.once("close", () => network.#cut());
    return network;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** From now on nothing arrives, on either side, until `resume`. */
  freeze() {
    this.#isDead = true;
    for (const end of this.#ends) end.pause();
  }

  resume() {
    this.#isDead = false;
    for (const end of this.#ends) end.resume();
  }

  #join(near, far) {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.#ends.add(from);
      from.on("data", (bytes) => to.write(bytes));
      from.on("error", () => undefined); // "close" follows
      from.on("close", () => {
        this.#ends.delete(from);
        to.destroy();
      });
      if (this.#isDead) from.pause();
    }
  }

  #cut() {
    this.#server.close();
    for (const end of this.#ends) end.destroy();
  }
}
