"""Ports of background jobs: their log, their event streams, their queue."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from app.domain.models import Reading
from app.domain.principals import Principal


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A received file. `name` is the sender's: it is displayed, never used as a path."""

    file_id: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class JobRow:
    """An ingest job as stored. `silent_s`: seconds since its process last sent a heartbeat."""

    job_id: str
    head: int  # number of the latest event
    ended: bool
    silent_s: float


@dataclass(frozen=True, slots=True)
class JobEntry:
    """One numbered event of a job; `data` is its compact JSON."""

    seq: int
    type: str
    data: bytes


JOB_DEAD_S: Final = 60.0
"""Seconds without a heartbeat after which a job's process counts as dead."""


class JobLog(Protocol):
    """The events of ingest jobs, numbered 1, 2, 3 … Raises `StoreUnavailable`."""

    async def create(
        self, principal: Principal, job_id: str, *, files: int, shared: bool = False
    ) -> None:
        """Create a job without events. Jobs older than a day are removed.

        `shared`: the sources it stores are readable by everyone.
        """
        ...

    async def append(self, job_id: str, events: Sequence[tuple[str, bytes]], *, ends: bool) -> bool:
        """Append (type, data) pairs atomically. False, without any change, for an ended job."""
        ...

    async def add_files(self, job_id: str, files: int) -> None:
        """Add files found inside others to the job's total."""
        ...

    async def beat(self, job_ids: Sequence[str]) -> None:
        """Record a heartbeat of these jobs' process."""
        ...

    async def find(self, principal: Principal, job_id: str) -> JobRow | None:
        """The job; None when unknown or owned by someone else."""
        ...

    async def reading(self, principal: Principal | None) -> Reading | None:
        """Progress over all open jobs whose process is alive; None when there are none.

        Includes jobs of `principal` and shared jobs; all jobs when `principal` is None.
        """
        ...

    async def entries(self, job_id: str, *, after: int, limit: int) -> tuple[JobEntry, ...]: ...


class Numbered(Protocol):
    """An event as sent."""

    @property
    def seq(self) -> int:
        """The event's id."""
        ...

    @property
    def data(self) -> bytes:
        """The event as compact JSON."""
        ...


class NumberedFrames(Protocol):
    """A cursor of a run or of a job."""

    def frames(self, *, silence_s: float) -> AsyncGenerator[Numbered | None, None]:
        """Yields events in order, and None after each `silence_s` of silence."""
        ...


class IngestJobs(Protocol):
    """Background ingestion of uploads into the library."""

    def check(self, files: int) -> None:
        """Raise `Draining` or `ServerBusy` if that many more files cannot be accepted now."""
        ...

    async def submit(
        self,
        principal: Principal,
        uploads: "Sequence[UploadedFile]",
        *,
        tags: Sequence[str],
        largest: int,
    ) -> "tuple[str, tuple[UploadedFile, ...]]":
        """Start a job. Returns its id and the files its events refer to. Moves files and folder.

        `largest`: maximum size of a file in bytes.
        """
        ...

    async def follow(
        self, principal: Principal, job_id: str, *, after: int
    ) -> NumberedFrames | None:
        """None when `after` is the job's last event. `NotFound` for unknown or others' jobs."""
        ...

    async def reading(self, principal: Principal | None) -> Reading | None:
        """Progress of running jobs: of `principal` and shared ones, or of all if None."""
        ...

    def retitled(self, source_id: str) -> None:
        """Schedule re-embedding of a source whose title has changed."""
        ...

    async def discard(self, keys: Sequence[str]) -> None:
        """Remove stored files."""
        ...
