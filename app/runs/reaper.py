"""Renews this process's lease and closes the runs of dead processes.

A run is taken over only after this reaper has read its owner's heartbeat unchanged for `LEASE_S`,
by the clock of a reachable database. A gap in the readings (database unreachable, process paused)
restarts the observation, so that an outage is never mistaken for a dead process.

A run of this process without a task is an orphan: its creation or take-over was committed but not
acknowledged, or closing it failed. It is closed after the same time.
"""

import asyncio
import logging
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from app.domain.events import to_json
from app.domain.models import Timings, Usage
from app.domain.stored import numbered_passages
from app.runs.citation_check import Citer
from app.runs.log_entries import LogEntry, fold_entries
from app.runs.outcome import INTERRUPTED, Closing, RunOutcome, citations_event, close_run
from app.runs.ports import Clock, Lease, Leases, RunLog, RunRecord
from app.runs.supervisor import attempt_each

log = logging.getLogger(__name__)

LEASE_S = 10.0
OBSERVE_S = 1.0
BEAT_S = 2.0
GAP_S = 4.0  # readings further apart than this restart the observation
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A heartbeat value and the database time at which it was first read."""

    beat: int | None
    since_s: float


@dataclass(slots=True)
class LivenessTracker:
    """Finds dead leases in a sequence of readings. Pure."""

    seen: dict[tuple[str, int], Heartbeat] = field(default_factory=dict)
    last_reading_s: float | None = None

    def observe(self, reading: Leases, *, orphans: Container[str] = ()) -> tuple[Lease, ...]:
        """The leases whose heartbeat has not moved for `LEASE_S` of readings without a gap.

        Orphans belong to a process that is alive, so their heartbeat is ignored.
        """
        if self.last_reading_s is None or not 0 <= reading.now_s - self.last_reading_s <= GAP_S:
            self.seen = {}
        self.last_reading_s = reading.now_s
        seen: dict[tuple[str, int], Heartbeat] = {}
        dead: list[Lease] = []
        for lease in reading.leases:
            key = (lease.run_id, lease.epoch)
            beat = None if lease.run_id in orphans else lease.beat
            known = self.seen.get(key)
            if known is None or known.beat != beat:
                known = Heartbeat(beat, reading.now_s)
            elif reading.now_s - known.since_s >= LEASE_S:
                dead.append(lease)
            seen[key] = known
        self.seen = seen
        return tuple(dead)


class Reaper:
    """One per process. Several may observe the same runs; the epoch decides which one closes a run.

    `live` holds the runs that this process is answering.
    """

    def __init__(
        self,
        run_log: RunLog,
        *,
        live: Container[str],
        process_id: str,
        cite: Citer,
        clock: Clock,
    ) -> None:
        self._log = run_log
        self._live = live
        self._process_id = process_id
        self._cite = cite
        self._clock = clock
        self._liveness = LivenessTracker()

    async def beat(self) -> None:
        """Renew the lease. Call every `BEAT_S`."""
        await self._log.beat(self._process_id)

    async def check(self) -> int:
        """Take one reading; call every `OBSERVE_S`. Returns how many runs were closed.

        A run that cannot be closed does not block the others.
        """
        closed = 0
        reading = await self._log.leases()
        ours = {item.run_id for item in reading.leases if item.process_id == self._process_id}
        orphans = {run_id for run_id in ours if run_id not in self._live}
        dead = self._liveness.observe(reading, orphans=orphans)

        async def close(lease: Lease) -> None:
            nonlocal closed
            record = await self._log.take_over(lease, process_id=self._process_id)
            if record is not None:
                closed += await self._close(record)

        await attempt_each([one for one in dead if one.run_id not in ours - orphans], close)
        return closed

    async def _close(self, record: RunRecord) -> bool:
        entries = await self._stored(record)
        answer = fold_entries(entries)
        outcome = RunOutcome(failure=INTERRUPTED)
        closing = Closing(
            record=record,
            outcome=outcome,
            at=self._clock.now(),
            usage=_usage_of(answer.text),
            timings=_timings_of(record, entries),
        )
        passages = numbered_passages(answer.evidence)
        citations = await citations_event(
            self._cite, outcome, answer.text, passages, now=lambda: closing.at
        )
        unsaved = list[LogEntry]()
        if citations is not None:
            unsaved.append(LogEntry(record.reserved, citations.type, to_json(citations)))
            answer.add(citations.content)
        closed_run = close_run(closing, answer, unsaved=unsaved, last_seq=record.reserved + 1)
        done = await self._log.finish(closed_run)
        log.warning(
            "Run %s was closed: its process is gone",
            record.run_id,
            extra={"run_id": record.run_id},
        )
        return done

    async def _stored(self, record: RunRecord) -> list[LogEntry]:
        entries: list[LogEntry] = []
        while page := await self._log.entries(
            record.run_id, after=entries[-1].seq if entries else 0, limit=PAGE
        ):
            entries.extend(page)
            await asyncio.sleep(0)
        return entries


def _usage_of(text: str) -> Usage:
    return Usage(input_tokens=0, output_tokens=-(-len(text) // 4), estimated=True)


def _timings_of(record: RunRecord, entries: list[LogEntry]) -> Timings:
    total = (_last_event_at(record, entries) - record.created_at).total_seconds() * 1000
    return Timings(retrieval_ms=None, first_token_ms=None, total_ms=round(total, 1))


def _last_event_at(record: RunRecord, entries: list[LogEntry]) -> datetime:
    """The time of the last stored event: waiting for the reaper is not part of the run's time."""
    if not entries:
        return record.created_at
    try:
        last = datetime.fromisoformat(orjson.loads(entries[-1].data)["timestamp"])
        return max(last, record.created_at)
    except (KeyError, TypeError, ValueError):  # written by another version
        return record.created_at
