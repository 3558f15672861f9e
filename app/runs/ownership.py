"""Whether this process may still believe that its runs are its own.

A process that stood still (stopped, suspended, held up by one computation) may have been declared
dead meanwhile, its runs closed and their text cut. After such a pause nothing is shown before the
database has said what is still ours.
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
"""A longer gap is a pause. With a heartbeat every 2 s that may take 3 s it is below the lease."""
CHECK_S = 1.0


def _elapsed_clock() -> Callable[[], float]:
    boot_clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot_clock is None else partial(time.clock_gettime, boot_clock)


elapsed_s = _elapsed_clock()
"""Seconds that go on while the machine is suspended, where the system has such a clock."""


class Ownership:
    """One per process. `check` is to be called every `CHECK_S`."""

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
        self._settled = asyncio.Event()

    def sure(self) -> bool:
        """False from the moment this process wakes. Asked before anything is shown: cheap."""
        return not self._in_doubt and self._elapsed() - self._ticked_s <= PAUSE_S

    async def settled(self, seconds: float) -> bool:
        """Wait until it is known what is ours; False when `seconds` passed before."""
        if self.sure():
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.sure():
                    self._settled.clear()
                    await self._settled.wait()
        return self.sure()

    async def known(self) -> None:
        """Wait until it is known what is ours, however long that takes."""
        while not self.sure():
            await self.settled(PAUSE_S)

    async def check(self) -> None:
        """Notice a pause, and ask what it left us. Raises `StoreUnavailable`."""
        paused = self._since(self._ticked_s, self._ticked_at)
        if paused > PAUSE_S:
            log.warning("This process stood still for %.0f s: asking what is still ours", paused)
            self._in_doubt = True
        self._tick()
        if self._in_doubt:
            await self._ask()

    def _since(self, elapsed_s: float, at: datetime) -> float:
        """By the clock that moved most: some stand still while a machine is suspended."""
        return max(self._elapsed() - elapsed_s, (self._clock.now() - at).total_seconds())

    def _tick(self) -> None:
        self._ticked_s, self._ticked_at = self._elapsed(), self._clock.now()

    async def _ask(self) -> None:
        asked = self._ticked_s, self._ticked_at
        known = tuple(self._live.values())  # what begins meanwhile is ours, and in no reading
        # A heartbeat first: from then on nobody takes over what the reading says is ours.
        await self._log.beat(self._process_id)
        leases = (await self._log.leases()).leases
        if self._since(*asked) > PAUSE_S:
            return  # paused again: what was read is old
        ours = {(one.run_id, one.epoch) for one in leases if one.process_id == self._process_id}
        for run in known:
            if not run.ending and (run.run_id, run.epoch) not in ours:
                log.warning("Run %s was taken over by another process", run.run_id)
                run.fence(at=self._clock.monotonic())
        self._tick()
        self._in_doubt = False
        self._settled.set()
