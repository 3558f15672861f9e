"""Forks server processes from one that has already imported the application.

Importing takes two thirds of the startup time. `python -m tests.harness.preloaded` reads one JSON
object per line, `{"argv", "env", "log"}`, forks, and answers with the pid. The child behaves like
`python -m app.main` (or `-m uvicorn`): it has its own session and environment, and its output goes
to the log. Its wait status is written to `{log}.ended`. Children that still run at the end of input
are ended.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil

# A forked process lacks the thread of onnxruntime's telemetry, which the library would wait for
# forever at exit.
ONE_THREAD = {"ORT_DISABLE_TELEMETRY": "1"}


class Preloaded:
    """The process that forks, until this one exits."""

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.preloaded"],
            cwd=root,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self._process.communicate)

    def start(self, argv: list[str], env: dict[str, str], log: Path) -> "Forked":
        """`argv`: `app.main` or `uvicorn`, with its arguments."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = json.dumps({"argv": argv, "env": env, "log": str(log)})
        with self._lock:
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
            return Forked(int(self._process.stdout.readline()), log)


@cache
def preloaded(root: Path) -> Preloaded:
    """The shared forking process of this test process."""
    return Preloaded(root)


class Forked:
    """The part of `subprocess.Popen` that a server needs."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self._ended = _ended(log)
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            with contextlib.suppress(FileNotFoundError):
                self._code = os.waitstatus_to_exitcode(int(self._ended.read_text()))
                self._ended.unlink()
        return self._code

    def wait(self, timeout: float) -> int:
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("app.main", timeout)
            time.sleep(0.01)
        return code


def _ended(log: Path) -> Path:
    return log.with_name(f"{log.name}.ended")


def _fork_on_order() -> dict[str, Any] | None:
    """Returns None at the end of input, and in each child its order."""
    logs: dict[int, Path] = {}

    def reap(*_: object) -> None:
        for pid in tuple(logs):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                path = _ended(logs.pop(pid))
                written = path.with_suffix(".part")
                written.write_text(str(status))
                written.rename(path)

    assert psutil.Process().num_threads() == 1, "a fork has only one of them"
    before = signal.signal(signal.SIGCHLD, reap)
    for line in sys.stdin.buffer:
        order: dict[str, Any] = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, before)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            return order
        logs[pid] = Path(order["log"])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for pid in tuple(logs):  # the requester was interrupted
        os.kill(pid, signal.SIGTERM)
    return None


def _become(order: dict[str, Any]) -> int:
    import uvicorn

    from app.main import main

    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    program, *arguments = order["argv"]
    if program == "app.main":
        return main(arguments)
    uvicorn.main(arguments, prog_name=program)
    return 0


# What uvicorn imports when it starts, and what writes the OpenAPI document.
IMPORTED = (
    "app.main",
    "app.cli.contracts",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)

if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    sys.modules["app.cli.contracts"].openapi()  # derives what each child would from its routes
    gc.freeze()  # a collection in a child would copy the memory that it shares
    order = _fork_on_order()
    sys.exit(0 if order is None else _become(order))
