import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { ServerFork } from "./serverFork.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const PYTHON = join(ROOT, ".venv/bin/python");
const PAGE = join(ROOT, "frontend/dist/index.html");
const READY_WITHIN_MS = 240_000;
const LAST_LINES = 40;
/** Slow enough to do something to a running answer, fast enough to wait for its end. */
const TOKENS_PER_S = "20";

function freePort() {
  return new Promise((resolvePort, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolvePort(port));
    });
  });
}

/** A server of this run's own: its port, its database and its library, gone after `remove`. */
export class Server {
  #fork;
  #dataDir;
  #port;
  #settings;
  #process = null;

  constructor(fork, dataDir, port, settings = {}) {
    this.#fork = fork;
    this.#dataDir = dataDir;
    this.#port = port;
    this.#settings = settings;
  }

  /** Serves once the sample library can be asked. */
  static async start() {
    await stat(PAGE).catch(() => {
      throw new Error("the page is not built: npm run build");
    });
    const dataDir = await mkdtemp(join(tmpdir(), "citestream-e2e-"));
    await chmod(dataDir, 0o755); // a database started by root runs as another user
    const server = new Server(await ServerFork.open(), dataDir, await freePort());
    try {
      await server.run();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  /** Calls `use` with another process on the same library, with other settings; it ends after. */
  async beside(settings, use) {
    const other = new Server(this.#fork, this.#dataDir, await freePort(), settings);
    try {
      await other.run();
      return await use(other);
    } finally {
      await other.end("SIGTERM");
    }
  }

  /** What a command of the server's prints, such as `app.tokens` with its arguments. */
  async command(...line) {
    const options = { cwd: this.#dataDir, env: this.#environment() };
    const { stdout } = await promisify(execFile)(PYTHON, ["-m", ...line], options);
    return stdout;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the process, again on the same port and data after it ended; returns when ready. */
  async run() {
    this.#process = await this.#fork.start(this.#environment());
    await this.#ready();
  }

  /** Sends the signal and waits until the process is gone. */
  async end(signal) {
    await this.#process?.end(signal);
  }

  /** With the process that the servers of this run are forked from. */
  async remove() {
    await this.end("SIGTERM");
    await this.#fork.close();
    await rm(this.#dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  #environment() {
    return {
      PATH: process.env.PATH,
      PYTHONPATH: ROOT,
      HOST: "127.0.0.1",
      PORT: String(this.#port),
      DATA_DIR: this.#dataDir,
      LLM_PROVIDER: "extractive",
      EXTRACTIVE_TOKENS_PER_S: TOKENS_PER_S,
      SAMPLE_LIBRARY: "true",
      SHUTDOWN_GRACE_S: "2",
      ...this.#settings,
    };
  }

  async #ready() {
    const deadline = Date.now() + READY_WITHIN_MS;
    while (Date.now() < deadline) {
      if (await this.#process.hasEnded()) break;
      if (await this.#isReady()) return;
      await new Promise((resume) => setTimeout(resume, 100));
    }
    const printed = await this.#process.printed();
    const last = printed.trimEnd().split("\n").slice(-LAST_LINES);
    throw new Error(`the server did not become ready:\n${last.join("\n")}`);
  }

  async #isReady() {
    try {
      const response = await fetch(`${this.url}/health/ready`);
      return response.ok && (await response.json()).library === "ready";
    } catch {
      return false; // not listening yet
    }
  }
}
