"""Tracks whether this process still owns its runs.

A process that was paused (stopped, suspended, blocked by a computation) may have been declared dead
meanwhile and its runs closed. After a pause nothing is sent until the database has confirmed which
runs are still owned.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from app.runs.active_run import LiveRun
from app.runs.ports import Clock, RunLog

log = logging.getLogger(__name__)

PAUSE_S = 4.0
"""A longer gap is a pause. Below the lease, given a heartbeat every 2 s that may take 3 s."""
CHECK_S = 1.0


def _elapsed_clock() -> Callable[[], float]:
    boot_clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot_clock is None else partial(time.clock_gettime, boot_clock)


elapsed_s = _elapsed_clock()
"""Seconds, including suspended time where the system has such a clock."""


class Ownership:
    """One per process. Call `check` every `CHECK_S`."""

    def __init__(
        self,
        run_log: RunLog,
        live: Mapping[str, LiveRun],
        *,
        process_id: str,
        clock: Clock,
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        self._log = run_log
        self._live = live
        self._process_id = process_id
        self._clock = clock
        self._elapsed = elapsed or clock.monotonic
        self._ticked_s = self._elapsed()
        self._ticked_at = clock.now()
        self._in_doubt = False
        self._confirmed = asyncio.Event()

    def is_confirmed(self) -> bool:
        """False from the moment this process wakes from a pause. Cheap: called for every entry."""
        return not self._in_doubt and self._elapsed() - self._ticked_s <= PAUSE_S

    async def wait_confirmed(self, seconds: float) -> bool:
        """Wait until ownership is confirmed; False after `seconds`."""
        if self.is_confirmed():
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_confirmed():
                    self._confirmed.clear()
                    await self._confirmed.wait()
        return self.is_confirmed()

    async def until_confirmed(self) -> None:
        """Wait until ownership is confirmed, without a limit."""
        while not self.is_confirmed():
            await self.wait_confirmed(PAUSE_S)

    async def check(self) -> None:
        """Detect a pause and ask the database which runs are left. Raises `StoreUnavailable`."""
        paused = self._since(self._ticked_s, self._ticked_at)
        if paused > PAUSE_S:
            log.warning("This process was paused for %.0f s: checking its runs", paused)
            self._in_doubt = True
        self._tick()
        if self._in_doubt:
            await self._ask()

    def _since(self, elapsed_s: float, at: datetime) -> float:
        """Uses the clock that advanced most: some stop while the machine is suspended."""
        return max(self._elapsed() - elapsed_s, (self._clock.now() - at).total_seconds())

    def _tick(self) -> None:
        self._ticked_s, self._ticked_at = self._elapsed(), self._clock.now()

    async def _ask(self) -> None:
        asked_at = self._ticked_s, self._ticked_at
        known = tuple(self._live.values())  # runs started later are not in the reading
        # Heartbeat first: no other process can then take over a run that the reading shows as ours.
        await self._log.beat(self._process_id)
        leases = (await self._log.leases()).leases
        if self._since(*asked_at) > PAUSE_S:
            return  # paused again: the reading is stale
        ours = {(one.run_id, one.epoch) for one in leases if one.process_id == self._process_id}
        for run in known:
            if not run.ending and (run.run_id, run.epoch) not in ours:
                log.warning("Run %s was taken over by another process", run.run_id)
                run.fence(at=self._clock.monotonic())
        self._tick()
        self._in_doubt = False
        self._confirmed.set()
