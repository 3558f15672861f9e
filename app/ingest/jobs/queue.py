"""Ingests uploaded files in the background: one queue per process, reported as jobs.

Work continues when the client disconnects. Events are written in batches to a log that every
replica can read. A process that shuts down closes its jobs as interrupted; the death of a process
is detected by the next reader of its job.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path, PurePath
from typing import Final

from app.domain.errors import (
    CitestreamError,
    Draining,
    NotFound,
    RunFailure,
    ServerBusy,
    StoreUnavailable,
)
from app.domain.job_ports import JobLog, UploadedFile
from app.domain.models import Reading
from app.domain.principals import Principal
from app.ingest.expansion import Expansion
from app.ingest.ingest_request import IngestRequest
from app.ingest.jobs.fair_queue import FairQueue
from app.ingest.jobs.job_cursor import JobCursor
from app.ingest.jobs.job_events import JobEventWriter, WithMembers
from app.ingest.loaders.registry import AUDIO, TRANSCRIPTS
from app.ingest.parsed_document import IngestError
from app.ingest.pipeline import Ingested, Ingestor, Progress
from app.runs.supervisor import BackgroundLoop, Supervisor, attempt_each
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

WORKERS: Final = 2  # so that a short file does not wait for a long one; embedding is serial
MAX_WAITING: Final = 2_000  # files
MAX_PER_PERSON: Final = 1_000  # files of one user
NOBODY: Final = ""  # owner of work that belongs to no user
BEAT_S: Final = 10.0
STAGING_KEPT_S: Final = 86_400.0
_PACE_S: Final = 0.1
_UNKNOWN: Final = "it could not be read; see the server's log"


@dataclass(slots=True)
class _Job:
    owner_id: str
    events: JobEventWriter
    files: int
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class IngestQueue:
    """Implements `IngestJobs`. Belongs to one event loop. Call `start`, and `close` at the end."""

    def __init__(
        self,
        job_log: JobLog,
        ingestor: Ingestor,
        tasks: TaskTracker,
        *,
        reembed: Callable[[str], Awaitable[None]],
        staging: Path,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        """`staging`: the folder in whose sub-folders uploads are received.

        `reembed` recomputes the vectors of a source.
        """
        self._log = job_log
        self._ingestor = ingestor
        self._tasks = tasks
        self._reembed = reembed
        self._staging = staging
        self._now = now
        self._new_id = new_id
        self._queue = FairQueue[Callable[[], Awaitable[None]]]()
        self._jobs: dict[str, _Job] = {}
        self._running: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._beaten = 0.0
        self._closing = False

    def start(self, supervisor: Supervisor) -> None:
        """Start the workers on the running event loop."""
        loops = [
            BackgroundLoop(name=f"ingest worker {number}", step=self._work, every_s=0, pass_s=None)
            for number in range(1, WORKERS + 1)
        ]
        loops += [
            BackgroundLoop(name="ingest progress", step=self._tell, every_s=_PACE_S),
            BackgroundLoop(name="ingest staging", step=self._sweep, every_s=STAGING_KEPT_S),
        ]
        self._running = [supervisor.start(loop) for loop in loops]

    async def close(self) -> None:
        """Stop the workers and close every open job as interrupted. Stored sources remain."""
        self._closing = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        for job in self._jobs.values():
            job.events.interrupted()
        with suppress(StoreUnavailable):
            await self._flush()

    def check(self, files: int) -> None:
        """Raise `Draining` or `ServerBusy` if that many more files cannot be accepted now."""
        if self._closing:
            raise Draining("The server is shutting down. Please try again in a moment.")
        if sum(job.files for job in self._jobs.values()) + files > MAX_WAITING:
            raise ServerBusy("Many files are waiting already. Please try again in a few minutes.")

    async def submit(
        self,
        principal: Principal,
        uploads: Sequence[UploadedFile],
        *,
        tags: Sequence[str],
        largest: int,
    ) -> tuple[str, tuple[UploadedFile, ...]]:
        """Start a job; returns its id and files, with audio attached to its transcript.

        Takes ownership of the files, which are in one folder of `staging`, and removes them at the
        end. An upload replaces the caller's earlier source of the same name.
        """
        self.check(len(uploads))
        theirs = sum(j.files for j in self._jobs.values() if j.owner_id == principal.owner_id)
        if theirs + len(uploads) > MAX_PER_PERSON:
            raise ServerBusy("Many of your files are waiting already. Please try again later.")
        job_id = self._new_id()
        pairs = _with_audio(uploads)
        job = _Job(
            principal.owner_id, JobEventWriter(job_id, files=len(pairs), now=self._now), len(pairs)
        )
        self._jobs[job_id] = job  # counted immediately: concurrent uploads share the limits
        try:
            await self._log.create(principal, job_id, files=len(pairs))
        except BaseException:
            del self._jobs[job_id]
            raise
        for upload, audio in pairs:
            incoming = IngestRequest(
                path=upload.path,
                origin=f"upload:{upload.name}",
                name=PurePath(upload.name).name or upload.name,
                audio=audio.path if audio else None,
                tags=tuple(tags),
                largest=largest,
            )
            work = partial(self._file, job, principal, upload.file_id, incoming)
            self._queue.put(principal.owner_id, work)
        return job_id, tuple(upload for upload, _ in pairs)

    async def follow(self, principal: Principal, job_id: str, *, after: int) -> JobCursor | None:
        """The job's events after `after`; None if that was the last. Raises `NotFound`."""
        row = await self._log.find(principal, job_id)
        if row is None:
            raise NotFound("There is no such job.")
        if row.ended and after >= row.head:
            return None
        return JobCursor(self._log, principal, row, after=after, wait=self._wait, now=self._now)

    async def reading(self, principal: Principal | None) -> Reading | None:
        return await self._log.reading(principal)

    def retitled(self, source_id: str) -> None:
        """Queue the source for re-embedding, behind the waiting files."""
        self._queue.put(NOBODY, partial(self._reembed, source_id))

    async def discard(self, keys: Sequence[str]) -> None:
        """Remove stored files; for `LibraryWriter`."""
        await self._ingestor.discard(keys)

    async def _wait(self, job_id: str, seconds: float) -> None:
        """Wait for news of a job of this process, or for the timeout."""
        job = self._jobs.get(job_id)
        changed = job.changed if job is not None else asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()

    async def _work(self) -> None:
        work = await self._queue.get()
        # A separate task: a bug is logged there and fails only one file.
        task = self._tasks.spawn(_awaited(work), name="ingest")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()

    async def _file(
        self, job: _Job, principal: Principal, file_id: str, incoming: IngestRequest
    ) -> None:
        outcome: Ingested | WithMembers | str = _UNKNOWN
        try:
            async with self._ingestor.expanded(incoming) as expansion:
                if expansion.files == [incoming] and not expansion.failures:
                    outcome = await self._ingest(job, principal, file_id, incoming)
                else:
                    outcome = await self._members(job, principal, file_id, incoming, expansion)
        finally:
            if not self._closing:
                job.files -= 1
                job.events.file(file_id, incoming.name, outcome)
                self._news.set()
            await asyncio.to_thread(_remove, incoming)

    async def _members(
        self,
        job: _Job,
        principal: Principal,
        file_id: str,
        incoming: IngestRequest,
        expansion: Expansion,
    ) -> Ingested | WithMembers | str:
        """Ingest the file and its members; each member has its own id in the events."""
        refused = {name: reason for name, reason in expansion.failures if name != incoming.name}
        own_failure = next((why for name, why in expansion.failures if name == incoming.name), None)
        if own_failure is not None and expansion.total == 1:
            return own_failure
        members = [file for file in expansion.files if file is not incoming]
        await self._expect(job, len(members) + len(refused))
        own: Ingested | str | None = None
        if incoming in expansion.files:
            own = await self._ingest(job, principal, file_id, incoming)
        outcomes: dict[str, Ingested | str] = dict(refused)
        for number, (name, why) in enumerate(refused.items(), 1):
            job.events.file(f"{file_id}/{number}", name, why)
        for number, member in enumerate(members, len(refused) + 1):
            member_id = f"{file_id}/{number}"
            outcomes[member.name] = await self._ingest(job, principal, member_id, member)
            job.events.file(member_id, member.name, outcomes[member.name])
            self._news.set()
        everything = outcomes if own is None else {incoming.name: own, **outcomes}
        noted = await self._ingestor.note_attachments(principal, expansion, everything)
        return WithMembers(
            noted.get(incoming.name, own),
            outcomes,
            own_failure,
            pictures=sum(expansion.pictures.values()),
        )

    async def _expect(self, job: _Job, members: int) -> None:
        job.events.expect(members)
        with suppress(StoreUnavailable):  # affects only the reported progress
            await self._log.add_files(job.events.job_id, members)

    async def _ingest(
        self, job: _Job, principal: Principal, file_id: str, incoming: IngestRequest
    ) -> Ingested | str:
        """Return the reason of a failure, None on success."""
        report_stage = partial(job.events.stage, file_id, incoming.name)
        try:
            return await self._ingestor.ingest(
                principal,
                incoming,
                report=lambda _, progress: self._on_progress(report_stage, progress),
            )
        except (IngestError, RunFailure) as error:
            return str(error)
        except CitestreamError as error:
            log.warning("%s could not be stored: %s", file_id, error)
            return "the database cannot be reached; upload it again in a moment"

    def _on_progress(self, report_stage: Callable[[Progress], None], progress: Progress) -> None:
        report_stage(progress)
        self._news.set()

    async def _tell(self) -> None:
        """Write all pending events in one batch."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await self._news.wait()
        self._news.clear()
        try:
            await self._beat()
            await self._flush()
        except Exception:
            self._news.set()
            raise

    async def _flush(self) -> None:
        await attempt_each(list(self._jobs.items()), self._flush_job)

    async def _flush_job(self, item: tuple[str, _Job]) -> None:
        job_id, job = item
        events = job.events.pending()
        if not events:
            return
        ended = job.events.ended
        if not await self._log.append(job_id, events, ends=ended):
            log.warning("Job %s was closed by another process", job_id)
        job.events.mark_written(len(events))
        job.changed.set()
        job.changed = asyncio.Event()
        if ended:
            del self._jobs[job_id]

    async def _beat(self) -> None:
        at = asyncio.get_running_loop().time()
        if self._jobs and at - self._beaten >= BEAT_S:
            self._beaten = at
            await self._log.beat(tuple(self._jobs))

    async def _sweep(self) -> None:
        """Remove files left behind by a dead process."""
        before = self._now().timestamp() - STAGING_KEPT_S
        await asyncio.to_thread(_remove_older, self._staging, before)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def _with_audio(
    uploads: Sequence[UploadedFile],
) -> list[tuple[UploadedFile, UploadedFile | None]]:
    """The files to ingest. Transcripts have the audio of the same name attached."""
    named = {PurePath(one.name): one for one in uploads}
    pairs: list[tuple[UploadedFile, UploadedFile | None]] = []
    taken: set[str] = set()
    for one in uploads:
        name = PurePath(one.name)
        audio = None
        if name.suffix.lower() in TRANSCRIPTS:
            audio = next((named[a] for s in AUDIO if (a := name.with_suffix(s)) in named), None)
        if audio is not None:
            taken.add(audio.file_id)
        pairs.append((one, audio))
    return [pair for pair in pairs if pair[0].file_id not in taken]


def _remove(incoming: IngestRequest) -> None:
    for path in (incoming.path, incoming.audio):
        if path is not None:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # other files of the job are still in the folder
        incoming.path.parent.rmdir()


def _remove_older(folder: Path, before: float) -> None:
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        with suppress(OSError):  # already removed, or owned by another account
            if one.stat().st_mtime < before:
                shutil.rmtree(one, ignore_errors=True)
