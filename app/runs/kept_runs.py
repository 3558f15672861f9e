"""Keeps ended runs of this process readable from memory for a while.

Late readers and repeats of a request then need no database. What is kept is bounded in time and in
bytes, so memory does not follow the rate of answers: what is given up is read from the stored log,
which is complete when a run is added here.
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
    """One per process. Dropped runs are removed from `live`, in which runs are looked up."""

    live: MutableMapping[str, LiveRun]
    clock: Clock
    _kept: deque[_Kept] = field(default_factory=deque)  # oldest first
    _bytes: int = 0

    def add(self, run: LiveRun) -> None:
        """Keep `run`, which has ended and is stored; the oldest runs make room for it."""
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
