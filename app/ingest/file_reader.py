"""Reads untrusted files in separate processes, so that a crash is contained.

A file of a few hundred bytes can make a third-party parser loop forever, use all memory, or crash.
Each file has limits for processor time, memory and output. Exceeding one kills the process and is
reported in one sentence. A process reads many files, one at a time, and ends when idle.
"""

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final, TypeVar

from app.ingest.parsed_document import IngestError
from app.ingest.reader_client import ReaderEnded, ReaderProcess, ReadLimits
from app.ingest.reader_frames import Failure, Request, Unpacked, UnpackRequest
from app.ingest.reading import Count, ReadDocument

log = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_S: Final = 30.0
BREAKS_READER: Final = "the file cannot be read (it breaks its reader)"
# One thread per process: reading one file must not use all processors or memory for more threads.
_THREADS: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MALLOC_ARENA_MAX": "1",
}


class FileReader:
    """Reads files from any event loop and thread. Call `close` at the end."""

    def __init__(
        self,
        count: Count,
        *,
        limits: ReadLimits | None = None,
        environment: Mapping[str, str] | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        """`count` counts word pieces and is pickled. The processes get `environment`."""
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
        """Raises `IngestError`. Cancellation kills the process."""
        (outcome,) = await self.read_batch([request], max_passages=1)
        if isinstance(outcome, IngestError):
            raise outcome
        return outcome

    async def read_batch(
        self, requests: Sequence[Request], *, max_passages: int
    ) -> list[ReadDocument | IngestError]:
        """The outcomes of the first requests, until their documents have that many passages.

        Cancellation kills the process.
        """
        return await self._run(lambda call: self._read_batch(requests, max_passages, call))

    async def unpack(self, request: UnpackRequest) -> Unpacked:
        """Extract the files in a file. Raises `IngestError`. Cancellation kills the process."""
        unpacked = await self._run(lambda call: self._read(request, call))
        if isinstance(unpacked, Unpacked):
            return unpacked
        raise IngestError(BREAKS_READER)

    async def _run(self, work: "Callable[[_Call], T]") -> T:
        call = _Call()
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, work, call)
        future.add_done_callback(_retrieve)
        try:
            # Awaited separately: an executor call cannot be cancelled; the process can be killed.
            await asyncio.wait({future})
        except asyncio.CancelledError:
            call.cancel()
            await asyncio.wait({future})
            raise
        return future.result()

    def close(self) -> None:
        """Kill all processes. Reads in progress fail."""
        with self._lock:
            self._closed = True
            idle = list(self._idle)
            self._idle.clear()
            if self._timer is not None:
                self._timer.cancel()
            for process in self._busy:  # closed by the thread that uses it
                process.kill()
        _close_all(idle)

    def _read_batch(
        self, requests: Sequence[Request], max_passages: int, call: "_Call"
    ) -> list[ReadDocument | IngestError]:
        outcomes: list[ReadDocument | IngestError] = []
        passages = 0
        for request in requests:
            if call.cancelled or passages >= max_passages:
                break
            try:
                document = self._read(request, call)
            except IngestError as error:
                outcomes.append(error)
                continue
            if not isinstance(document, ReadDocument):
                outcomes.append(IngestError(BREAKS_READER))
                continue
            outcomes.append(document)
            passages += len(document.passages)
        return outcomes

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

    def _take(self) -> ReaderProcess:
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

    def _give_back(self, process: ReaderProcess) -> None:
        with self._lock:
            self._busy.discard(process)
            if process.usable and not self._closed:
                process.idle_since = monotonic()
                self._idle.append(process)
                self._watch_idle()
                return
        process.close()

    def _watch_idle(self) -> None:
        """Keep one timer while any process is idle. Requires the lock."""
        if self._timer is None:
            self._timer = threading.Timer(self._idle_s, _close_idle, (weakref.ref(self),))
            self._timer.daemon = True
            self._timer.start()

    def close_idle(self) -> None:
        """Kill processes that have been idle for too long."""
        with self._lock:
            self._timer = None
            old = [one for one in self._idle if monotonic() - one.idle_since >= self._idle_s / 2]
            self._idle[:] = [one for one in self._idle if one not in old]
            if self._idle:
                self._watch_idle()
        _close_all(old)


def _retrieve(future: "asyncio.Future[T]") -> None:
    """Retrieve the exception, which nobody awaits after a second cancellation."""
    if not future.cancelled():
        future.exception()


def _close_idle(reader: "weakref.ref[FileReader]") -> None:
    if (still := reader()) is not None:
        still.close_idle()


def _close_all(processes: list[ReaderProcess]) -> None:
    for process in processes:
        process.close()


class _Call:
    """The process reading a file, so that another thread can kill it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: ReaderProcess | None = None
        self._cancelled = False

    def reads_in(self, process: ReaderProcess) -> None:
        with self._lock:
            self._process = process
            if self._cancelled:
                process.kill()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()
