"""Reads untrusted files in separate processes, whose crash does no harm.

A file of a few hundred bytes can make a third-party parser loop forever, use all memory, or crash.
Each file has a budget of processor time, memory and output; exceeding it kills the process and is
reported in one sentence. A process reads many files, one at a time, and ends after an idle time.
"""

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, Literal, NoReturn

import psutil

from app.ingest.parsed_document import IngestError
from app.ingest.reader_frames import (
    HEAD,
    MAX_FRAME,
    Assembly,
    BrokenFrame,
    Failure,
    Outcome,
    Request,
    Start,
    Unpacked,
    UnpackRequest,
    message,
)
from app.ingest.reading import Count, ReadDocument

log = logging.getLogger(__name__)

MEGABYTE: Final = 2**20
IDLE_S: Final = 30.0
MAX_FILES: Final = 500
"""Files after which a process is replaced, because libraries leak memory."""
KEPT_MEMORY: Final = 200 * MEGABYTE
"""A process that uses more than this after a file is replaced."""
BREAKS_READER: Final = "the file cannot be read (it breaks its reader)"
_OWN_MEMORY: Final = 90 * MEGABYTE
"""Resident code and libraries, which do not count as allocated."""
_WATCH_S: Final = 0.05
_CHUNK: Final = 2**18
_ROOT: Final = Path(__file__).resolve().parent.parent.parent
# One thread per process: reading one file must not use all processors, or memory for threads.
_THREADS: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MALLOC_ARENA_MAX": "1",
}

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


class FileReader:
    """Reads files for any event loop and thread. `close` it at the end."""

    def __init__(
        self,
        count: Count,
        *,
        limits: ReadLimits | None = None,
        environment: Mapping[str, str] | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        """`count` counts word pieces and is pickled. `environment`: that of the processes."""
        self._count = count
        self._limits = limits or ReadLimits()
        self._environment = {**(environment or {}), **_THREADS}
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._idle: list[ReaderProcess] = []
        self._busy: set[ReaderProcess] = set()
        self._timer: threading.Timer | None = None
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)

    async def read(self, request: Request) -> ReadDocument:
        """Raises `IngestError`. Cancelling it kills the process."""
        document = await self._run(request)
        if isinstance(document, ReadDocument):
            return document
        raise IngestError(BREAKS_READER)

    async def unpack(self, request: UnpackRequest) -> Unpacked:
        """As `read`: the files in a file."""
        unpacked = await self._run(request)
        if isinstance(unpacked, Unpacked):
            return unpacked
        raise IngestError(BREAKS_READER)

    async def _run(self, request: Request | UnpackRequest) -> ReadDocument | Unpacked:
        call = _Call()
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, self._read, request, call)
        future.add_done_callback(_retrieve)
        try:
            # Awaited separately: an executor cannot cancel its work; killing the process can.
            await asyncio.wait({future})
        except asyncio.CancelledError:
            call.cancel()
            await asyncio.wait({future})
            raise
        return future.result()

    def close(self) -> None:
        """Kill all processes; reads in progress fail."""
        with self._lock:
            self._closed = True
            idle = list(self._idle)
            self._idle.clear()
            if self._timer is not None:
                self._timer.cancel()
            for process in self._busy:  # closed by the thread that uses it
                process.kill()
        _close_all(idle)

    def _read(self, request: Request | UnpackRequest, call: "_Call") -> ReadDocument | Unpacked:
        process = self._take()
        try:
            call.reads_in(process)
            outcome = process.read(request)
        except ReaderEnded as error:
            raise IngestError(BREAKS_READER) from error
        finally:
            self._give_back(process)
        if isinstance(outcome, Failure):
            raise IngestError(self._told(outcome))
        return outcome

    def _told(self, failure: Failure) -> str:
        if failure.detail:
            log.warning("A file could not be parsed: %s\n%s", failure.message, failure.detail)
        match failure.reason:
            case "refused":
                return failure.message
            case "changed":
                return "the file changed while it was read; add it again"
            case "time" | "memory" | "output":
                return self._limits.complaint(failure.reason)

    def _take(self) -> "ReaderProcess":
        with self._lock:
            if self._closed:
                raise IngestError("the server is shutting down")
            while self._idle:
                process = self._idle.pop()
                if process.usable:
                    self._busy.add(process)
                    return process
                process.close()
        process = ReaderProcess(self._count, self._limits, self._environment)
        with self._lock:
            self._busy.add(process)
        return process

    def _give_back(self, process: "ReaderProcess") -> None:
        with self._lock:
            self._busy.discard(process)
            if process.usable and not self._closed:
                process.idle_since = monotonic()
                self._idle.append(process)
                self._watch_idle()
                return
        process.close()

    def _watch_idle(self) -> None:
        """Call with the lock held. Keeps one timer while any process is idle."""
        if self._timer is None:
            self._timer = threading.Timer(self._idle_s, _close_idle, (weakref.ref(self),))
            self._timer.daemon = True
            self._timer.start()

    def close_idle(self) -> None:
        """Kill processes that were idle for too long."""
        with self._lock:
            self._timer = None
            old = [one for one in self._idle if monotonic() - one.idle_since >= self._idle_s / 2]
            self._idle[:] = [one for one in self._idle if one not in old]
            if self._idle:
                self._watch_idle()
        _close_all(old)


def _retrieve(future: "asyncio.Future[ReadDocument | Unpacked]") -> None:
    """Retrieves the exception, which a caller cancelled twice never awaits."""
    if not future.cancelled():
        future.exception()


def _close_idle(reader: "weakref.ref[FileReader]") -> None:
    if (still := reader()) is not None:
        still.close_idle()


def _close_all(processes: list["ReaderProcess"]) -> None:
    for process in processes:
        process.close()


class _Call:
    """The process that reads a file, so that another thread can kill it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: ReaderProcess | None = None
        self._cancelled = False

    def reads_in(self, process: "ReaderProcess") -> None:
        with self._lock:
            self._process = process
            if self._cancelled:
                process.kill()

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()


class ReaderProcess:
    """One `reader_process.py`, used by one thread at a time."""

    def __init__(self, count: Count, limits: ReadLimits, environment: Mapping[str, str]) -> None:
        """Starts the process in a new session, so that only the server gets a Ctrl-C."""
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
        """Kill it at once; callable from any thread."""
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        """Kill and reap it; for the thread that uses it. Idempotent."""
        if self._lifeline < 0:
            return
        self.kill()
        self._process.wait()
        os.close(self._lifeline)
        self._lifeline = -1
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # closing flushes data that cannot be written any more
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
            raise ReaderEnded("it is gone") from error

    def _outcome(self) -> Outcome:
        assembly = Assembly()
        for kind, payload in self._frames():
            try:
                outcome = assembly.add(kind, payload)
            except BrokenFrame as error:
                raise ReaderEnded("it said something that is no document") from error
            if outcome is not None:
                return outcome
        raise ReaderEnded("it said nothing")

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
        """Yields its output while it stays within its limits."""
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
        """Enforces limits that the kernel does not, by sampling the process."""
        with suppress(psutil.Error):
            self._resident = self._watch.memory_info().rss
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
        # Libraries often abort when an allocation fails; the OOM killer ends processes too.
        return "memory" if self._resident > self._limits.memory / 2 else None

    def _processor_s(self) -> float:
        try:
            times = self._watch.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)
