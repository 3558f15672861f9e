"""Ingests without a queue and records progress in the job log.

Searches on every replica can then report that an ingestion is running.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from app.domain.errors import StoreUnavailable
from app.domain.job_ports import JobLog
from app.domain.principals import Principal
from app.ingest.jobs.job_events import JobEventWriter
from app.ingest.pipeline import Ingested
from app.runs.tasks import TaskTracker

BEAT_S: Final = 10.0


class RecordedJob:
    """Records one job; call `files` after each file or batch."""

    def __init__(self, job_log: JobLog, events: JobEventWriter) -> None:
        self._log = job_log
        self._events = events

    async def files(self, outcomes: Sequence[tuple[str, Ingested | str]]) -> None:
        """Record the result of each file, or the reason of its failure as a string."""
        for name, outcome in outcomes:
            self._events.file(name, name, outcome)
        await self.flush()

    async def expect(self, files: int) -> None:
        """Add files found inside another one to the total."""
        self._events.expect(files)
        if files:
            await self._log.add_files(self._events.job_id, files)

    async def flush(self) -> None:
        """Write pending events. Raises `StoreUnavailable`."""
        events = self._events.pending()
        if events:
            await self._log.append(self._events.job_id, events, ends=self._events.ended)
            self._events.mark_written(len(events))

    async def beat(self) -> None:
        """Send heartbeats, because one file may take minutes."""
        while True:
            await asyncio.sleep(BEAT_S)
            with suppress(StoreUnavailable):
                await self._log.beat((self._events.job_id,))

    async def close(self) -> None:
        """Close the job as interrupted unless every file has a result."""
        self._events.interrupted()
        with suppress(StoreUnavailable):
            await self.flush()


@asynccontextmanager
async def recorded_job(
    job_log: JobLog,
    principal: Principal,
    *,
    job_id: str,
    files: int,
    shared: bool,
    now: Callable[[], datetime],
) -> AsyncIterator[RecordedJob]:
    """`files`: at least one. `shared`: the sources are readable by everyone."""
    await job_log.create(principal, job_id, files=files, shared=shared)
    job = RecordedJob(job_log, JobEventWriter(job_id, files=files, now=now))
    tasks = TaskTracker()
    tasks.spawn(job.beat(), name="ingest job")
    try:
        yield job
    finally:
        await tasks.close()
        await job.close()
