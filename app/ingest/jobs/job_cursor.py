"""Reads a job's log on any replica: stored events, then live ones, until the end."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Final

from app.domain.encoding import compact_json
from app.domain.errors import StoreUnavailable
from app.domain.events import TERMINAL_TYPES
from app.domain.job_ports import JOB_DEAD_S, JobEntry, JobLog, JobRow
from app.domain.principals import Principal
from app.ingest.jobs.job_events import INTERRUPTED, failure

_POLL_S: Final = 1.0
_PAGE: Final = 200

Wait = Callable[[str, float], Awaitable[None]]


class JobCursor:
    """A position in a job's log. `wait` returns on news of the job or after the given seconds."""

    def __init__(
        self,
        job_log: JobLog,
        principal: Principal,
        row: JobRow,
        *,
        after: int,
        wait: Wait,
        now: Callable[[], datetime],
    ) -> None:
        self._log = job_log
        self._principal = principal
        self._row = row
        self._position = min(after, row.head)
        self._wait = wait
        self._now = now

    async def frames(self, *, silence_s: float) -> AsyncGenerator[JobEntry | None, None]:
        """The entries in order; None after each `silence_s` without one."""
        silent = 0.0
        while True:
            for entry in await self._read():
                silent = 0.0
                self._position = entry.seq
                yield entry
                if entry.type in TERMINAL_TYPES:
                    return
            if self._row.ended and self._position >= self._row.head:
                return
            if self._position < self._row.head:
                continue
            step = min(_POLL_S, silence_s)
            await self._wait(self._row.job_id, step)
            silent += step
            if silent >= silence_s:
                silent = 0.0
                yield None

    async def _read(self) -> tuple[JobEntry, ...]:
        """The new entries. Waits while the database is unreachable."""
        try:
            row = await self._log.find(self._principal, self._row.job_id)
            if row is None:  # removed: there will be no more events
                self._row = JobRow(self._row.job_id, self._position, ended=True, silent_s=0)
                return ()
            if not row.ended and row.silent_s > JOB_DEAD_S:
                end = failure("INTERRUPTED", INTERRUPTED, retryable=True, at=self._now())
                await self._log.append(row.job_id, [(end.type, compact_json(end))], ends=True)
                row = await self._log.find(self._principal, row.job_id) or row
            self._row = row
            return await self._log.entries(row.job_id, after=self._position, limit=_PAGE)
        except StoreUnavailable:
            return ()
