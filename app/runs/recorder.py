"""Stores the new events of all runs of this process, one statement per flush."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from app.domain.errors import StoreUnavailable
from app.domain.principals import Principal
from app.runs.active_run import LiveRun
from app.runs.outcome import is_replaceable
from app.runs.ports import RESERVE_AHEAD, Batch, Clock, RunLog
from app.runs.supervisor import attempt_each

log = logging.getLogger(__name__)

FLUSH_INTERVAL_S = 0.15
IDLE_S = 5.0  # a pass without work ends too, so that the loop counts as healthy


class Recorder:
    """One per process. `touch` marks a run dirty; the loop flushes every `FLUSH_INTERVAL_S`."""

    def __init__(
        self, run_log: RunLog, clock: Clock, *, is_confirmed: Callable[[], bool] = lambda: True
    ) -> None:
        self._log = run_log
        self._clock = clock
        self._is_confirmed = is_confirmed  # see `Ownership`
        self._dirty: dict[str, LiveRun] = {}
        self._work = asyncio.Event()

    def touch(self, run: LiveRun) -> None:
        """Mark `run` as having unstored entries."""
        self._dirty[run.run_id] = run
        self._work.set()

    async def step(self) -> None:
        """Wait for events and flush them. After a failure, the same events are retried."""
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await self._work.wait()
        if self._work.is_set():
            await self._clock.sleep(FLUSH_INTERVAL_S)
            await self.flush()

    async def flush(self) -> None:
        """Store the new entries of all dirty runs. A run that could not be stored stays dirty.

        Events that the database rejects do not block other runs. Raises `StoreUnavailable`, or the
        error of the rejected events.
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
                await self._handle_take_over(run)

    async def _handle_take_over(self, run: LiveRun) -> None:
        """Handle a run that was closed as dead while this process was disconnected or paused.

        Without a pause the run continues: it has everything its viewers saw, and will replace the
        ending. After a pause, its entries must no longer be sent.
        """
        now = self._clock.monotonic()
        record = await self._log.record(Principal(run.record.owner_id), run.run_id)
        if not self._is_confirmed() or record is None or not is_replaceable(record.terminal):
            log.warning("Run %s was taken over by another process", run.run_id)
            run.fence(at=now)
            return
        log.warning("Run %s was closed as dead by another process: it continues here", run.run_id)
        run.presumed_dead = True
        if record.stop_requested:
            run.cancel("stopped", at=now)


def _is_flushed(run: LiveRun) -> bool:
    return not (run.finishing or run.fenced or run.presumed_dead)


def _batch(run: LiveRun) -> Batch:
    entries = tuple(run.entries[run.flushed :])
    return Batch(run.run_id, run.epoch, entries, entries[-1].seq + RESERVE_AHEAD)
