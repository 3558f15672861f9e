"""Renews this process's lease and closes the runs of processes that are gone.

A run is taken over only when this reaper itself has read its owner's heartbeat unchanged through
`LEASE_S` of working database, by the database's clock. A pause in its own reading (database away,
process stopped) starts the observation anew, so that an outage never looks like a death.

A run of this very process that no task here answers is an orphan: its creation or take-over was
committed but never confirmed, or closing it failed. It is closed after the same time.
"""

import asyncio
import logging
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from app.domain.events import to_json
from app.domain.models import Timings, Usage
from app.runs.citation_check import Citer, cited
from app.runs.outcome import (
    INTERRUPTED,
    RunOutcome,
    answer_record,
    citations_event,
    evidence_of,
    marked_passages,
    terminal_event,
)
from app.runs.ports import (
    Clock,
    Lease,
    Leases,
    LogEntry,
    Outcome,
    RunLog,
    RunRecord,
    answer_of,
)
from app.runs.supervisor import attempt_each

log = logging.getLogger(__name__)

LEASE_S = 10.0
OBSERVE_S = 1.0
BEAT_S = 2.0
GAP_S = 4.0  # readings further apart than this do not join into one observation
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A heartbeat value and the database time it was first read at."""

    beat: int | None
    since_s: float


@dataclass(slots=True)
class LivenessTracker:
    """What this reaper has observed. Pure: fed with readings, names the dead."""

    seen: dict[tuple[str, int], Heartbeat] = field(default_factory=dict)
    last_reading_s: float | None = None

    def observe(self, reading: Leases, *, orphans: Container[str] = ()) -> tuple[Lease, ...]:
        """The leases that stood still through `LEASE_S` of readings without a gap.

        The heartbeat of an orphan's process says nothing about the run: it counts as still.
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
    """One per process; several may watch the same runs, the epoch decides who ends one.

    `live` has the runs that this process answers.
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
        self._watch = LivenessTracker()

    async def beat(self) -> None:
        """Renew the lease; to be done every `BEAT_S`."""
        await self._log.beat(self._process_id)

    async def look(self) -> int:
        """One reading, every `OBSERVE_S`; returns how many runs were closed.

        A run that cannot be closed does not keep the others open.
        """
        closed = 0
        reading = await self._log.leases()
        ours = {item.run_id for item in reading.leases if item.process_id == self._process_id}
        orphans = {run_id for run_id in ours if run_id not in self._live}
        dead = self._watch.observe(reading, orphans=orphans)

        async def close(lease: Lease) -> None:
            nonlocal closed
            record = await self._log.take_over(lease, process_id=self._process_id)
            if record is not None:
                closed += await self._close(record)

        await attempt_each([one for one in dead if one.run_id not in ours - orphans], close)
        return closed

    async def _close(self, record: RunRecord) -> bool:
        entries = await self._stored(record)
        text = answer_of(entries)
        now = self._clock.now()
        last: list[LogEntry] = []
        citations = await cited(self._cite, text, marked_passages(entries))
        if text:
            event = citations_event(citations, now)
            last.append(LogEntry(record.reserved, event.type, to_json(event)))
        ending = RunOutcome(failure=INTERRUPTED)
        usage = Usage(input_tokens=0, output_tokens=-(-len(text) // 4), estimated=True)
        total = (_last_event_at(record, entries) - record.created_at).total_seconds() * 1000
        timings = Timings(retrieval_ms=None, first_token_ms=None, total_ms=round(total, 1))
        terminal = terminal_event(
            ending,
            message_id=record.message_id,
            saved=True,
            partial=bool(text),
            usage=usage,
            timings=timings,
            at=now,
        )
        last.append(LogEntry(record.reserved + 1, terminal.type, to_json(terminal)))
        message = answer_record(
            ending,
            text=text,
            citations=citations,
            evidence=evidence_of(entries),
            usage=usage,
            timings=timings,
        )
        outcome = Outcome(
            run_id=record.run_id,
            epoch=record.epoch,
            status=ending.status,
            entries=tuple(last),
            message=message,
            receipt=None,
            ended_at=now,
        )
        done = await self._log.finish(outcome)
        told = {"run_id": record.run_id}
        log.warning("Run %s was closed: its process is gone", record.run_id, extra=told)
        return done

    async def _stored(self, record: RunRecord) -> list[LogEntry]:
        entries: list[LogEntry] = []
        while page := await self._log.entries(
            record.run_id, after=entries[-1].seq if entries else 0, limit=PAGE
        ):
            entries.extend(page)
            await asyncio.sleep(0)
        return entries


def _last_event_at(record: RunRecord, entries: list[LogEntry]) -> datetime:
    """When it was last known to be answered: how long nobody closed it is not its time."""
    if not entries:
        return record.created_at
    try:
        told = datetime.fromisoformat(orjson.loads(entries[-1].data)["timestamp"])
        return max(told, record.created_at)
    except (KeyError, TypeError, ValueError):  # of another version
        return record.created_at
