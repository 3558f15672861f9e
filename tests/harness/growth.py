"""Checks by ratios of processor time that work grows linearly with its input.

Load can only make a measurement longer, so the minimum of several counts.
"""

import gc
import signal
import time
from collections.abc import Callable
from math import isfinite
from types import FrameType
from typing import Final, NamedTuple

RATIO: Final = 8.0  # for four times the input; linear work takes 4, quadratic 16
_TRIES: Final = 3
_RETRIES: Final = 8
_NOISE_S: Final = 0.0005  # shorter times are not compared
HOPELESS_S: Final = 1.0


class Growth(NamedTuple):
    """Processor time at a size and at four times that size."""

    size: int
    small_s: float
    large_s: float

    @property
    def linear(self) -> bool:
        """Or less than linear."""
        return isfinite(self.large_s) and self.large_s <= RATIO * self.small_s + _NOISE_S


class _OutOfTime(BaseException):
    pass


def growth(work: Callable[[int], object], *, size: int, hopeless_s: float = HOPELESS_S) -> Growth:
    """Processor time of `work(size)`, interrupted if it takes too long (in Python or `re`)."""
    once = Growth(size, _seconds(work, size, hopeless_s), _seconds(work, 4 * size, hopeless_s))
    if once.linear or not isfinite(once.large_s):
        return once
    small = min(_seconds(work, 2 * size, hopeless_s) for _ in range(_TRIES))
    large = _seconds(work, 8 * size, hopeless_s)
    for _ in range(_RETRIES):
        if isfinite(large) and not Growth(2 * size, small, large).linear:
            large = min(large, _seconds(work, 8 * size, hopeless_s))
    return Growth(2 * size, small, large)


def _seconds(work: Callable[[int], object], size: int, hopeless_s: float) -> float:
    before = signal.signal(signal.SIGVTALRM, _interrupt)
    gc.disable()  # collection time grows with the heap
    began = time.thread_time()  # an armed timer makes the process clock coarse
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, hopeless_s)
        work(size)
    except _OutOfTime:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        gc.enable()
    return time.thread_time() - began


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime
