"""Writes the new events of all runs of this process in one statement per flush."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from app.domain.errors import StoreUnavailable
from app.domain.principals import Principal
from app.runs.active_run import LiveRun
from app.runs.outcome import replaceable
from app.runs.ports import RESERVE_AHEAD, Batch, Clock, RunLog
from app.runs.supervisor import attempt_each

log = logging.getLogger(__name__)

FLUSH_INTERVAL_S = 0.15
IDLE_S = 5.0  # a pass without work ends, so that its success is recent


class Recorder:
    """One per process. `touch` marks a run dirty; the loop flushes every `FLUSH_INTERVAL_S`."""

    def __init__(
        self, run_log: RunLog, clock: Clock, *, sure: Callable[[], bool] = lambda: True
    ) -> None:
        self._log = run_log
        self._clock = clock
        self._sure = sure  # see `Ownership`
        self._dirty: dict[str, LiveRun] = {}
        self._work = asyncio.Event()

    def touch(self, run: LiveRun) -> None:
        """`run` has entries that are not stored yet."""
        self._dirty[run.run_id] = run
        self._work.set()

    async def step(self) -> None:
        """Wait for events and flush them. Nothing is dropped by a failure: it is tried again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await self._work.wait()
        if self._work.is_set():
            await self._clock.sleep(FLUSH_INTERVAL_S)
            await self.flush()

    async def flush(self) -> None:
        """Store what is new now. What was not stored stays dirty.

        Events that the database does not take keep no other run from being stored. Raises
        `StoreUnavailable`, or what was wrong with those events.
        """
        self._work.clear()
        runs = [run for run in self._dirty.values() if _is_flushed(run)]
        self._dirty = {}
        batches = [_batch(run) for run in runs if run.flushed < len(run.entries)]
        if not batches:
            return
        by_id = {run.run_id: run for run in runs}
        try:
            await self._store(batches, by_id)
        except (StoreUnavailable, asyncio.CancelledError):
            raise
        except Exception:
            if len(batches) == 1:
                raise
            await attempt_each(batches, lambda batch: self._store([batch], by_id))
        finally:
            for run in runs:
                if run.flushed < len(run.entries) and _is_flushed(run):
                    self.touch(run)

    async def _store(self, batches: list[Batch], by_id: dict[str, LiveRun]) -> None:
        refused = await self._log.flush(batches)
        for batch in batches:
            run = by_id[batch.run_id]
            if batch.run_id not in refused:
                run.stored(batch.entries[-1].seq, batch.reserved)
            elif not run.ending:
                await self._taken_over(run)

    async def _taken_over(self, run: LiveRun) -> None:
        """Closed as dead while this process was cut off from the database, or while it slept.

        One that did not sleep goes on: it holds all that its viewers saw, and in the end replaces
        the ending it was given. One that slept holds what nobody should be shown any more.
        """
        now = self._clock.monotonic()
        record = await self._log.record(Principal(run.record.owner_id), run.run_id)
        if not self._sure() or record is None or not replaceable(record.terminal):
            log.warning("Run %s was taken over by another process", run.run_id)
            run.fence(at=now)
            return
        log.warning("Run %s was closed as dead, but lives: it goes on", run.run_id)
        run.displaced = True
        if record.stop_requested:
            run.cancel("stopped", at=now)


def _is_flushed(run: LiveRun) -> bool:
    return not (run.finishing or run.fenced or run.displaced)


def _batch(run: LiveRun) -> Batch:
    entries = tuple(run.entries[run.flushed :])
    return Batch(run.run_id, run.epoch, entries, entries[-1].seq + RESERVE_AHEAD)
