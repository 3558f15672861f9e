"""Writes the new events of all runs of this process in one statement per flush."""

import asyncio
import logging

from app.domain.errors import StoreUnavailable
from app.runs.live import LiveRun
from app.runs.ports import RESERVE_AHEAD, Batch, Clock, RunLog

log = logging.getLogger(__name__)

FLUSH_INTERVAL_S = 0.15
RETRY_S = 0.5


class Recorder:
    """One per process. `touch` marks a run dirty; the loop flushes every `FLUSH_INTERVAL_S`."""

    def __init__(self, run_log: RunLog, clock: Clock) -> None:
        self._log = run_log
        self._clock = clock
        self._dirty: dict[str, LiveRun] = {}
        self._work = asyncio.Event()

    def touch(self, run: LiveRun) -> None:
        """`run` has entries that are not stored yet."""
        self._dirty[run.run_id] = run
        self._work.set()

    async def run(self) -> None:
        """Flush for ever. Without the database nothing is dropped: it is tried again."""
        down = False
        while True:
            await self._work.wait()
            await self._clock.sleep(RETRY_S if down else FLUSH_INTERVAL_S)
            try:
                await self.flush()
            except StoreUnavailable as error:
                if not down:
                    log.warning("Events cannot be stored, trying again: %s", error)
                down = True
            else:
                down = False

    async def flush(self) -> None:
        """Store what is new now. Raises `StoreUnavailable`; what was not stored stays dirty."""
        self._work.clear()
        runs = [run for run in self._dirty.values() if not run.finishing and not run.fenced]
        self._dirty = {}
        batches = [_batch(run) for run in runs if run.flushed < len(run.entries)]
        if not batches:
            return
        try:
            refused = await self._log.flush(batches)
        except BaseException:
            for run in runs:
                self.touch(run)
            raise
        by_id = {run.run_id: run for run in runs}
        for batch in batches:
            run = by_id[batch.run_id]
            if batch.run_id not in refused:
                run.stored(batch.entries[-1].seq, batch.reserved)
            elif not run.finishing and not run.over.is_set():
                log.warning("Run %s was taken over by another process", run.run_id)
                run.fence(at=self._clock.monotonic())


def _batch(run: LiveRun) -> Batch:
    entries = tuple(run.entries[run.flushed :])
    return Batch(run.run_id, run.epoch, entries, entries[-1].seq + RESERVE_AHEAD)
