import { spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const PYTHON = join(ROOT, ".venv/bin/python");
const POLL_MS = 50;

/**
 * Forks servers from a process that has imported the application, which is most of what a start
 * costs: `tests/harness/preloaded.py`, with the same orders.
 */
export class ServerFork {
  #folder;
  #process;
  #answers;
  #queue = Promise.resolve();
  #started = 0;

  static async open() {
    const fork = new ServerFork();
    fork.#folder = await mkdtemp(join(tmpdir(), "citestream-fork-"));
    fork.#process = spawn(PYTHON, ["-m", "tests.harness.preloaded"], {
      cwd: fork.#folder, // an .env of the project does not count here
      env: { PATH: process.env.PATH, PYTHONPATH: ROOT, ORT_DISABLE_TELEMETRY: "1" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    fork.#answers = createInterface({ input: fork.#process.stdout })[Symbol.asyncIterator]();
    return fork;
  }

  /** A new `python -m app.main` with that environment and no other. */
  async start(env) {
    this.#started += 1;
    const log = join(this.#folder, `${this.#started}.log`);
    await (await open(log, "w")).close();
    // One order at a time: its answer is the next line.
    const answer = this.#queue.then(() => {
      this.#process.stdin.write(`${JSON.stringify({ argv: ["app.main"], env, log })}\n`);
      return this.#answers.next();
    });
    this.#queue = answer.catch(() => undefined);
    const { value: pid, done } = await answer;
    if (done) throw new Error("the process that forks servers has ended");
    return new ForkedServer(Number(pid), log);
  }

  /** After the last server has ended. */
  async close() {
    const gone = new Promise((resolveGone) => this.#process.once("exit", resolveGone));
    this.#process.stdin.end();
    await gone;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

class ForkedServer {
  #pid;
  #log;

  constructor(pid, log) {
    this.#pid = pid;
    this.#log = log;
  }

  /** What it has printed so far. */
  printed() {
    return readFile(this.#log, "utf8");
  }

  async hasEnded() {
    return (await readFile(`${this.#log}.ended`, "utf8").catch(() => null)) !== null;
  }

  /** Sends the signal and waits until the process is gone. */
  async end(signal) {
    if (await this.hasEnded()) return;
    process.kill(this.#pid, signal);
    while (!(await this.hasEnded())) {
      await new Promise((resume) => setTimeout(resume, POLL_MS));
    }
  }
}
