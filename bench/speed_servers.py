"""The three systems and their services, pinned to processors: the measured server alone on the
first; the model service, the reader and the database on the second."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

import httpx
import orjson
import psutil

from bench.speed_client import Spec
from bench.speed_upstream import Plan

System = Literal["baseline", "pass-through", "ours", "ours x2"]
ROOT: Final = Path(__file__).resolve().parents[1]
MEASURED: Final = {0}
OTHERS: Final = {1}
START_S: Final = 60.0


@dataclass(slots=True)
class Upstream:
    """The model service."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """As `OPENAI_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def plan(self, *, tokens: int, rate: float, stays: bool = False) -> None:
        """Set its answers from now on."""
        body = orjson.dumps(asdict(Plan(tokens, rate, stays)))
        httpx.put(f"http://127.0.0.1:{self.port}/plan", content=body).raise_for_status()

    def stats(self) -> dict[str, float]:
        """The requests it received."""
        told = httpx.get(f"http://127.0.0.1:{self.port}/stats").json()
        return cast("dict[str, float]", told)


@dataclass(slots=True)
class Server:
    """A measured server."""

    system: System
    port: int
    pid: int

    @property
    def memory(self) -> int:
        """Its memory in bytes, including workers."""
        process = psutil.Process(self.pid)
        own = (process, *process.children(recursive=True))
        return sum(one.memory_info().rss for one in own)


@dataclass(slots=True)
class Bench:
    """What all figures share."""

    upstream: Upstream
    database_pid: int
    dsn: str  # of the library that is searched
    folder: Path  # for files of the servers
    questions: list[str] = field(default_factory=list)

    @contextmanager
    def serving(self, system: System, *, dsn: str | None = None) -> Iterator[Server]:
        """Started and warm, until the block ends."""
        port = _free_port()
        log = self.folder / f"{system.replace(' ', '-')}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                self._command(system, port, dsn or self.dsn),
                cwd=ROOT,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        pin(process.pid, MEASURED | OTHERS if system == "ours x2" else MEASURED)
        try:
            _wait_ready(process, port, log)
            yield Server(system, port, process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()

    def _command(self, system: System, port: int, dsn: str) -> list[str]:
        match system:
            case "baseline":
                return [sys.executable, "-m", "bench.baseline", str(port), self.upstream.url]
            case "pass-through":
                return [sys.executable, "-m", "bench.passthrough", str(port), self.upstream.url]
            case "ours" | "ours x2":
                settings = self._settings(system, port, dsn)
                variables = [f"{name}={value}" for name, value in settings.items()]
                return ["/usr/bin/env", *variables, sys.executable, "-m", "app.main"]

    def _settings(self, system: System, port: int, dsn: str) -> dict[str, str]:
        return {
            "PORT": str(port),
            "WORKERS": "2" if system == "ours x2" else "1",
            "DATABASE_URL": dsn,
            "DATA_DIR": str(self.folder / "data"),
            "SAMPLE_LIBRARY": "false",
            "LLM_PROVIDER": "openai",
            "OPENAI_BASE_URL": self.upstream.url,
            "OPENAI_API_KEY": "none",
            "LLM_MODEL": "fake",
            "SHUTDOWN_GRACE_S": "0",
        }

    def load(self, server: Server, spec: Spec) -> dict[str, Any]:
        """Run the reader against a server; port, questions and pids are filled in."""
        pids = {"server": server.pid, "upstream": self.upstream.pid, "database": self.database_pid}
        questions = spec.questions or self.questions
        told = replace(spec, port=server.port, questions=questions, pids=pids)
        command = [sys.executable, "-m", "bench.speed_client", orjson.dumps(asdict(told)).decode()]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            pin(process.pid, OTHERS)
            out = cast("IO[bytes]", process.stdout).read()
        return cast("dict[str, Any]", orjson.loads(out))


@contextmanager
def upstream_running() -> Iterator[Upstream]:
    """The model service, until the block ends."""
    command = [sys.executable, "-m", "bench.speed_upstream"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        pin(process.pid, OTHERS)
        try:
            port = int(cast("IO[bytes]", process.stdout).readline())
            yield Upstream(port, process.pid)
        finally:
            process.kill()


def pin_database(pid: int) -> None:
    """Pins a process tree to the processor of everything that is not measured."""
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.cpu_affinity(sorted(OTHERS))


def shares(cpu: dict[str, float]) -> dict[str, float]:
    """Processor use in per cent."""
    return {name: round(100 * s / cpu["wall"], 1) for name, s in cpu.items() if name != "wall"}


def void(cpu: dict[str, float], most: float = 80.0) -> bool:
    """Whether the reader or the model service may have been the bottleneck."""
    used = shares(cpu)
    return used["client"] > most or used["upstream"] > most


def pin(pid: int, processors: set[int]) -> None:
    """Of those that there are."""
    available = os.sched_getaffinity(0)
    os.sched_setaffinity(pid, processors & available or available)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{log.read_text(errors='replace')[-3000:]}")
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).is_success:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server is not ready:\n{log.read_text(errors='replace')[-3000:]}")
