"""Buffers the events of a job until they are written to its log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.domain.encoding import compact_json, timestamp
from app.domain.jobs import (
    FileEnd,
    FileEnded,
    FileStage,
    JobDone,
    JobError,
    JobFailed,
    JobFailureCode,
    JobFinished,
    JobStage,
    JobTerminal,
    SimilarSource,
    Staged,
)
from app.domain.library_ports import Change
from app.domain.models import FidelityNote
from app.ingest.pipeline import Ingested, Progress

INTERRUPTED = "The server stopped before this was finished. Completed files are in the library."


@dataclass(frozen=True, slots=True)
class WithMembers:
    """The results of a container file: its own (None without text of its own) and its members'.

    `cut_short`: why members are missing. `pictures`: the number of images, which are not members.
    """

    own: Ingested | str | None
    members: Mapping[str, Ingested | str]
    cut_short: str | None = None
    pictures: int = 0

    @property
    def stored(self) -> tuple[Ingested, ...]:
        """The members now in the library."""
        return tuple(one for one in self.members.values() if isinstance(one, Ingested))

    @property
    def status(self) -> Change | Literal["failed"]:
        """The most significant change among the members; failed when none was ingested."""
        changes = {one.change for one in self.stored}
        order: tuple[Change, ...] = ("added", "replaced", "unchanged")
        return next((change for change in order if change in changes), "failed")

    @property
    def notes(self) -> tuple[FidelityNote, ...]:
        """Notes on the archive itself."""
        return (FidelityNote("pictures", self.pictures),) if self.pictures else ()

    @property
    def complaint(self) -> str | None:
        """Describes, for the user, the members that cannot be read."""
        failed = [(name, why) for name, why in self.members.items() if isinstance(why, str)]
        first = f"{failed[0][0].rpartition('/')[2]}: {failed[0][1]}" if failed else ""
        if len(failed) > 1:
            first = f"{len(failed)} of {len(self.members)} files in it cannot be read; {first}"
        return "; ".join(part for part in (self.cut_short, first) if part) or None


class JobEventWriter:
    """The pending events of one job, in order; only the latest progress of each stage is kept."""

    def __init__(self, job_id: str, *, files: int, now: Callable[[], datetime]) -> None:
        self.job_id = job_id
        self.ended = False
        self._left = files
        self._now = now
        self._waiting: list[JobStage | JobTerminal] = []
        self._held = 0  # number of leading events being written
        self._counts = {"added": 0, "replaced": 0, "unchanged": 0, "failed": 0}
        self._passages = 0
        self._failure: str | None = None

    def pending(self) -> list[tuple[str, bytes]]:
        """The pending events as (type, JSON). They stay pending until `mark_written`."""
        self._held = len(self._waiting)
        return [(event.type, compact_json(event)) for event in self._waiting]

    def mark_written(self, count: int) -> None:
        """Remove the first `count` events, which have been written."""
        del self._waiting[:count]
        self._held = 0

    def stage(self, file_id: str, name: str, progress: Progress) -> None:
        """Record the progress of a file."""
        status: Literal["progress", "complete"] = "progress"
        if progress.done == progress.total:
            status = "complete"
        content = FileStage(
            stage=progress.stage,
            status=status,
            file_id=file_id,
            name=name,
            done=progress.done,
            total=progress.total,
        )
        event = Staged(type=progress.stage, content=content, timestamp=self._time())
        if len(self._waiting) > self._held and _same_stage(self._waiting[-1], event):
            self._waiting[-1] = event
        else:
            self._add(event)

    def expect(self, files: int) -> None:
        """Add files found inside another one to the total."""
        self._left += files

    def file(self, file_id: str, name: str, outcome: "Ingested | WithMembers | str") -> None:
        """Record the result of a file, or the reason of its failure as a string."""
        if isinstance(outcome, str):
            self._failure = f"{name}: {outcome}"
            self._counts["failed"] += 1
            content = _failed(file_id, name, outcome)
        elif isinstance(outcome, WithMembers):
            content = self._container(file_id, name, outcome)
        else:
            self._counts[outcome.change] += 1
            self._passages += outcome.passages if outcome.change != "unchanged" else 0
            content = _stored(file_id, name, outcome)
        self._add(FileEnd(content=content, timestamp=self._time()))
        self._left -= 1
        if self._left == 0:
            self._finish()

    def _container(self, file_id: str, name: str, outcome: "WithMembers") -> FileEnded:
        """Members are counted separately; the archive itself does not count as a file."""
        if isinstance(outcome.own, str):
            self._failure = f"{name}: {outcome.own}"
            self._counts["failed"] += 1
        elif outcome.own is not None:
            self._counts[outcome.own.change] += 1
            self._passages += outcome.own.passages if outcome.own.change != "unchanged" else 0
        if isinstance(outcome.own, Ingested):
            return _stored(file_id, name, outcome.own, message=outcome.complaint)
        if outcome.status == "failed":
            return _failed(
                file_id, name, outcome.own or outcome.complaint or "it contains no files"
            )
        return FileEnded(
            status=outcome.status,
            file_id=file_id,
            name=name,
            source_id=None,
            title=name,
            passages=sum(one.passages for one in outcome.stored),
            same_as=None,
            similar=(),
            message=outcome.own or outcome.complaint,
            notes=outcome.notes or None,
        )

    def interrupted(self) -> None:
        """End the job, because the server is shutting down."""
        self._fail("INTERRUPTED", INTERRUPTED, retryable=True)

    def _finish(self) -> None:
        failed = self._counts["failed"]
        if self._failure is not None and failed == sum(self._counts.values()):
            what = self._failure if failed == 1 else f"None of the {failed} files could be read."
            self._fail("INGEST_FAILED", what, retryable=False)
            return
        content = JobFinished(**self._counts, passages=self._passages)
        self._add(JobDone(content=content, timestamp=self._time()))
        self.ended = True

    def _fail(self, code: JobFailureCode, message: str, *, retryable: bool) -> None:
        if not self.ended:
            self._add(failure(code, message, retryable=retryable, at=self._now()))
            self.ended = True

    def _add(self, event: JobStage | JobTerminal) -> None:
        if not self.ended:
            self._waiting.append(event)

    def _time(self) -> str:
        return timestamp(self._now())


def failure(code: JobFailureCode, message: str, *, retryable: bool, at: datetime) -> JobError:
    """The terminal event of a job that failed."""
    content = JobFailed(code=code, message=message, retryable=retryable)
    return JobError(content=content, timestamp=timestamp(at))


def _same_stage(one: JobStage | JobTerminal, other: Staged) -> bool:
    return (
        isinstance(one, Staged)
        and one.type == other.type
        and one.content.file_id == other.content.file_id
    )


def _failed(file_id: str, name: str, why: str) -> FileEnded:
    return FileEnded(
        status="failed",
        file_id=file_id,
        name=name,
        source_id=None,
        title=None,
        passages=0,
        same_as=None,
        similar=(),
        message=why,
    )


def _stored(
    file_id: str, name: str, ingested: Ingested, *, message: str | None = None
) -> FileEnded:
    similar = (
        SimilarSource(source_id=one.source_id, title=one.title, similarity=one.similarity)
        for one in ingested.similar
    )
    return FileEnded(
        status=ingested.change,
        file_id=file_id,
        name=name,
        source_id=ingested.source_id,
        title=ingested.title,
        passages=ingested.passages,
        same_as=ingested.same_as,
        similar=tuple(similar),
        message=message,
        notes=ingested.notes or None,
    )
