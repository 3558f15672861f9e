"""Keeps ended runs of this process readable from memory for a while.

Late readers and repeated requests then need no database. Time and bytes are bounded, so memory does
not grow with the rate of answers. Dropped runs are read from the stored log, which is complete
before a run is added here.
"""

from collections import deque
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import NamedTuple

from app.runs.active_run import LiveRun
from app.runs.ports import Clock

KEEP_LIVE_S = 30.0
MAX_KEPT_BYTES = 8 * 2**20
EXPIRE_EVERY_S = 1.0


class _Kept(NamedTuple):
    run: LiveRun
    size: int  # bytes, estimated
    until: float  # Clock.monotonic() seconds


@dataclass(slots=True)
class KeptRuns:
    """One per process. Dropped runs are also removed from `live`, the lookup table of runs."""

    live: MutableMapping[str, LiveRun]
    clock: Clock
    _kept: deque[_Kept] = field(default_factory=deque)  # oldest first
    _bytes: int = 0

    def add(self, run: LiveRun) -> None:
        """Keep `run`, which has ended and is stored. The oldest runs make room for it."""
        run.release_evidence()
        size = run.estimated_bytes()
        self._kept.append(_Kept(run, size, self.clock.monotonic() + KEEP_LIVE_S))
        self._bytes += size
        while self._bytes > MAX_KEPT_BYTES:
            self._give_up_oldest()

    async def expire(self) -> None:
        """Drop expired runs. Call it every `EXPIRE_EVERY_S`."""
        now = self.clock.monotonic()
        while self._kept and self._kept[0].until <= now:
            self._give_up_oldest()

    def _give_up_oldest(self) -> None:
        kept = self._kept.popleft()
        self._bytes -= kept.size
        self.live.pop(kept.run.run_id, None)
