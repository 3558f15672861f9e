import { execFile, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

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

/** A server of this test run's own: its port, its database and its library, gone after `remove`. */
export class Server {
  #dataDir;
  #port;
  #settings;
  #process = null;
  #log = [];

  constructor(dataDir, port, settings = {}) {
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
    const server = new Server(dataDir, await freePort());
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
    const other = new Server(this.#dataDir, await freePort(), settings);
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
    this.#process = spawn(PYTHON, ["-m", "app.main"], {
      cwd: this.#dataDir, // an .env of the project does not count here
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output.on("data", (data) => this.#keep(String(data)));
    }
    await this.#ready();
  }

  /** Sends the signal and waits until the process is gone. */
  async end(signal) {
    const running = this.#process;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolveGone) => running.once("exit", resolveGone));
    running.kill(signal);
    await gone;
  }

  async remove() {
    await this.end("SIGTERM");
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
      if (this.#process.exitCode !== null) break;
      if (await this.#isReady()) return;
      await new Promise((resume) => setTimeout(resume, 100));
    }
    throw new Error(`the server did not become ready:\n${this.#log.join("\n")}`);
  }

  async #isReady() {
    try {
      const response = await fetch(`${this.url}/health/ready`);
      return response.ok && (await response.json()).library === "ready";
    } catch {
      return false; // not listening yet
    }
  }

  #keep(text) {
    this.#log = [...this.#log, ...text.trimEnd().split("\n")].slice(-LAST_LINES);
  }
}
