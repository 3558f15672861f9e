"""Schedules full garbage collections when the process is idle or memory has grown.

A full collection pauses every stream, for 44 to 230 ms with hundreds of streams. Python triggers it
by counting objects, so mostly under load; here growth of the resident memory triggers it. Answers
leave no reference cycles (`tests/stream/test_garbage.py`); libraries may.
"""

import gc
import logging
from collections.abc import Callable
from functools import cache
from typing import Final

import psutil

log = logging.getLogger(__name__)

YOUNG_THRESHOLD: Final = 10_000
"""Threshold of the youngest generation. A hundred streams have thousands of live objects at any
moment: with the default, 40 collections per second took a tenth of the time and found nothing."""
FULL_THRESHOLD: Final = 10_000
"""Collections of the middle generation before Python itself starts a full collection."""
CHECK_S: Final = 5.0
MEGABYTE: Final = 2**20
IDLE_GROWTH: Final = 8 * MEGABYTE
BUSY_GROWTH: Final = 96 * MEGABYTE
"""Growth that triggers a collection despite active streams: rare, yet safe in small containers."""


@cache
def freeze_imports() -> None:
    """Exclude imported objects from collections: scanning them paused every stream for 0.2 s."""
    gc.freeze()
    gc.set_threshold(YOUNG_THRESHOLD, 10, FULL_THRESHOLD)


def resident_bytes() -> int:
    """The resident memory of this process."""
    return int(psutil.Process().memory_info().rss)


class GarbageCollector:
    """Call `check` every `CHECK_S`. `streams` counts active answers."""

    def __init__(
        self,
        streams: Callable[[], int],
        *,
        resident: Callable[[], int] = resident_bytes,
        collect: Callable[[], object] = gc.collect,
    ) -> None:
        self._streams = streams
        self._resident = resident
        self._collect = collect
        self._baseline: int | None = None  # resident bytes since the last full collection

    async def check(self) -> None:
        """Collect when memory has grown enough to justify the pause."""
        resident = self._resident()
        self._baseline = resident if self._baseline is None else min(self._baseline, resident)
        grown = resident - self._baseline
        if grown < (BUSY_GROWTH if self._streams() else IDLE_GROWTH):
            return
        self._collect()
        self._baseline = self._resident()
        log.debug(
            "Collected garbage after %d MB of growth, %d MB were freed",
            grown // MEGABYTE,
            (resident - self._baseline) // MEGABYTE,
        )
