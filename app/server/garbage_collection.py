"""When Python looks for reference cycles: when nobody is held up by it, or when memory grew.

A full collection holds every stream of the process up, for 44 to 230 ms with hundreds of them.
Python starts one by counting objects, under load rather than at rest; here it is started by growth
of the resident memory since the last one. Answers leave no cycles behind (`tests/stream/
test_garbage.py`), libraries may.
"""

import gc
import logging
from collections.abc import Callable
from functools import cache
from typing import Final

import psutil

log = logging.getLogger(__name__)

YOUNG: Final = 10_000
"""Objects made and not gone when Python looks through the new ones: a hundred streams at work have
thousands at any moment, and looking forty times a second found none and took a tenth of all
time."""
LAST_RESORT: Final = 10_000
"""Looks at the middle-aged after which Python looks at everything by itself."""
LOOK_S: Final = 5.0
MEGABYTE: Final = 2**20
IDLE_GROWTH: Final = 8 * MEGABYTE
BUSY_GROWTH: Final = 96 * MEGABYTE
"""With streams under way: rarely enough, and still far from the limit of a small container."""


@cache
def set_aside() -> None:
    """What was imported stays: looking through it for garbage held every stream up for 0.2 s."""
    gc.freeze()
    gc.set_threshold(YOUNG, 10, LAST_RESORT)


def resident_bytes() -> int:
    """Memory of this process as the operating system counts it."""
    return int(psutil.Process().memory_info().rss)


class GarbageCollector:
    """Call `look` every `LOOK_S`. `streams` counts the answers under way."""

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
        self._least: int | None = None  # resident bytes since the last full collection

    async def look(self) -> None:
        """Collect when memory grew by more than is worth the pause."""
        resident = self._resident()
        self._least = resident if self._least is None else min(self._least, resident)
        grown = resident - self._least
        if grown < (BUSY_GROWTH if self._streams() else IDLE_GROWTH):
            return
        self._collect()
        self._least = self._resident()
        log.debug(
            "Collected garbage after %d MB of growth, %d MB were freed",
            grown // MEGABYTE,
            (resident - self._least) // MEGABYTE,
        )
