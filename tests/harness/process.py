"""The real application as a separate process that can be killed, paused and restarted."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.harness.preloaded import Forked, preloaded
from tests.harness.serving import free_port

ROOT = Path(__file__).resolve().parents[2]


class ServerProcess:
    """`python -m app.main` (or plain uvicorn) with separate settings.

    Synchronous, for harnesses without an event loop; waiting polls `/health/ready`.
    """

    def __init__(
        self,
        *,
        plain_uvicorn: bool = False,
        port: int | None = None,
        forked: bool = True,
        **env: str,
    ) -> None:
        """`forked`: started from a process that has already imported the application."""
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = Path(tempfile.mkstemp(prefix="citestream-server-", suffix=".log")[1])
        self._plain = plain_uvicorn
        self._forked = forked
        self._env = {**os.environ, "PORT": str(self.port), "SAMPLE_LIBRARY": "false", **env}
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def start(self, *, wait_s: float = 60) -> Self:
        plain = ["uvicorn", "app.main:app", "--port", str(self.port)]
        argv = plain if self._plain else ["app.main"]
        if self._forked:
            self._process = preloaded(ROOT).start(argv, self._env, self.log_path)
        else:
            command = [sys.executable, "-m", *argv]
            with self.log_path.open("ab") as out:
                self._process = subprocess.Popen(
                    command, cwd=ROOT, env=self._env, stdout=out, stderr=out, start_new_session=True
                )
        self.wait_ready(wait_s)
        return self

    def wait_ready(self, wait_s: float = 60) -> None:
        until = time.monotonic() + wait_s
        with httpx.Client(base_url=self.url, timeout=2, trust_env=False) as client:
            while time.monotonic() < until:
                assert self._process is not None
                if self._process.poll() is not None:
                    raise AssertionError(f"the server ended:\n{self.log}")
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/health/ready").status_code == 200:
                        return
                time.sleep(0.05)
        raise AssertionError(f"the server is not ready:\n{self.log}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, as by the OOM killer."""
        os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self, timeout_s: float = 40) -> int:
        assert self._process is not None
        return self._process.wait(timeout_s)

    def stop(self) -> int:
        if self._process is None or self._process.poll() is not None:
            return 0
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self.log_path.unlink(missing_ok=True)
