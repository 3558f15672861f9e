"""One reader process, as the server sees it: requests in, frames out, limits enforced."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, Literal, NoReturn

import psutil

from app.ingest.reader_frames import (
    HEAD,
    MAX_FRAME,
    Assembly,
    BrokenFrame,
    Failure,
    Outcome,
    Request,
    Start,
    UnpackRequest,
    message,
)
from app.ingest.reading import Count

MEGABYTE: Final = 2**20
MAX_FILES: Final = 5_000
"""Files after which a process is replaced, because parsers leak memory."""
KEPT_MEMORY: Final = 200 * MEGABYTE
"""A process that uses more than this after a file is replaced."""
_OWN_MEMORY: Final = 90 * MEGABYTE
"""Resident code and libraries, which do not count as allocated."""
_WATCH_S: Final = 0.05
_CHUNK: Final = 2**18
_ROOT: Final = Path(__file__).resolve().parent.parent.parent

Excess = Literal["time", "memory", "output"]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits for reading one file. `wall_s` covers files that block without using the processor."""

    processor_s: float = 60.0
    memory: int = 600 * MEGABYTE
    output: int = 192 * MEGABYTE
    wall_s: float = 600.0

    def complaint(self, excess: Excess) -> str:
        """The error message for users."""
        match excess:
            case "time":
                return "this file took too long to read; divide it, or save it in another format"
            case "memory":
                return (
                    "this file needs too much memory to read: more than "
                    f"{self.memory / MEGABYTE:,.0f} MB; divide it"
                )
            case "output":
                return "this file contains too much text to read; divide it"


class ReaderEnded(Exception):
    """The process ended before its document was complete."""


class ReaderProcess:
    """One `reader_process.py`, used by one thread at a time."""

    def __init__(self, count: Count, limits: ReadLimits, environment: Mapping[str, str]) -> None:
        """Start the process in a new session, so that Ctrl-C reaches only the server."""
        self._limits = limits
        lifeline, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.ingest.reader_process", str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=_ROOT,
                env=dict(environment),
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(lifeline)
        self._killed = False
        self._excess: Excess | None = None
        self._watch = psutil.Process(self._process.pid)
        self._files = 0
        self._resident = 0
        self._peak = 0  # resident bytes while reading the current file
        self._in_doubt = False
        self.idle_since = 0.0
        start = Start(count, limits.processor_s, max(MEGABYTE, limits.memory - _OWN_MEMORY))
        self._send(message(start))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it can read another file."""
        return (
            not self._in_doubt
            and self._process.poll() is None
            and self._files < MAX_FILES
            and self._resident < KEPT_MEMORY
        )

    def read(self, request: Request | UnpackRequest) -> Outcome:
        """Raises `ReaderEnded` when the process ends for an unknown reason."""
        self._in_doubt = True
        self._files += 1
        self._peak = 0
        self._send(message(request))
        try:
            outcome = self._outcome()
        except ReaderEnded:
            if (excess := self._excess_at_end()) is None:
                raise
            return Failure(excess)
        self._in_doubt = isinstance(outcome, Failure) and outcome.reason == "memory"
        with suppress(psutil.Error):
            self._resident = self._watch.memory_info().rss
        return outcome

    def kill(self) -> None:
        """Kill the process immediately. Safe to call from any thread."""
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        """Kill and reap the process. Call from the thread that uses it. Idempotent."""
        if self._lifeline < 0:
            return
        self.kill()
        self._process.wait()
        os.close(self._lifeline)
        self._lifeline = -1
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # closing flushes data that can no longer be written
                pipe.close()

    def _send(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            left = memoryview(data)
            while left:
                left = left[stdin.write(left) or 0 :]
        except OSError as error:
            self._in_doubt = True
            raise ReaderEnded("its input is closed") from error

    def _outcome(self) -> Outcome:
        assembly = Assembly()
        for kind, payload in self._frames():
            try:
                outcome = assembly.add(kind, payload)
            except BrokenFrame as error:
                raise ReaderEnded("it sent an invalid document") from error
            if outcome is not None:
                return outcome
        raise ReaderEnded("it ended without a response")

    def _frames(self) -> Iterator[tuple[bytes, bytes]]:
        received = bytearray()
        for chunk in self._chunks():
            received += chunk
            while len(received) >= HEAD.size:
                kind, length = HEAD.unpack_from(received)
                if length > MAX_FRAME:
                    raise ReaderEnded("a frame is too large")
                end = HEAD.size + length
                if len(received) < end:
                    break
                yield kind, bytes(received[HEAD.size : end])
                del received[:end]

    def _chunks(self) -> Iterator[bytes]:
        """Yield output while the process stays within its limits."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(output, select.POLLIN)
        began, used, total = monotonic(), self._processor_s(), 0
        while True:
            if not waiting.poll(_WATCH_S * 1000):
                self._check(monotonic() - began, self._processor_s() - used)
                continue
            chunk = os.read(output, _CHUNK)
            total += len(chunk)
            if total > self._limits.output:
                self._end_for("output")
            if not chunk:
                return
            yield chunk

    def _check(self, wall_s: float, processor_s: float) -> None:
        """Sample the process to enforce limits that the kernel does not."""
        with suppress(psutil.Error):
            self._resident = self._watch.memory_info().rss
        self._peak = max(self._peak, self._resident)
        if self._resident > self._limits.memory:
            self._end_for("memory")
        if processor_s > self._limits.processor_s + 1 or wall_s > self._limits.wall_s:
            self._end_for("time")

    def _end_for(self, excess: Excess) -> NoReturn:
        self._excess = excess
        self._process.kill()
        raise ReaderEnded(excess)

    def _excess_at_end(self) -> Excess | None:
        if self._excess is not None or self._killed:
            return self._excess
        self._process.kill()
        if self._process.wait() == -signal.SIGXCPU:
            return "time"
        # Libraries often abort when an allocation fails, sometimes after freeing memory. The failed
        # allocation is often twice a full buffer, so only a third of the sum was resident, and less
        # when last sampled. The OOM killer ends processes too.
        used, available = self._peak - _OWN_MEMORY, self._limits.memory - _OWN_MEMORY
        return "memory" if used > available / 4 else None

    def _processor_s(self) -> float:
        try:
            times = self._watch.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)
