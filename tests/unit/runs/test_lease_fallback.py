"""The thread that renews the lease of a stalled event loop."""

import threading
import time

from app.runs.lease_fallback import CHECK_S, GIVE_UP_S, RENEW_S, STALLED_S, LeaseFallback
from app.runs.reaper import BEAT_S, LEASE_S


class Thread:
    """The fallback with a clock that is set by hand, and its renewals."""

    def __init__(self) -> None:
        self.now = 100.0
        self.renewed: list[float] = []
        self.broken = False
        self.fallback = LeaseFallback(self.renew, monotonic=lambda: self.now)

    def renew(self) -> None:
        self.renewed.append(self.now - 100)
        if self.broken:
            raise OSError("no database")

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds / CHECK_S)):
            self.now += CHECK_S
            self.fallback.check()


async def test_a_loop_at_work_renews_its_own_lease() -> None:
    thread = Thread()
    for _ in range(20):
        thread.pass_time(STALLED_S)
        await thread.fallback.alive()
    assert thread.renewed == []


def test_a_stalled_loop_keeps_its_lease() -> None:
    thread = Thread()
    thread.pass_time(30)
    between = [b - a for a, b in zip(thread.renewed, thread.renewed[1:], strict=False)]
    # The loop may have renewed just before it stalled.
    assert BEAT_S + thread.renewed[0] < LEASE_S
    assert max(between) < LEASE_S
    assert min(between) >= RENEW_S


def test_a_loop_that_never_comes_back_loses_it() -> None:
    thread = Thread()
    thread.pass_time(10 * GIVE_UP_S)
    assert thread.renewed[-1] < GIVE_UP_S


def test_a_failure_is_tried_again() -> None:
    thread = Thread()
    thread.broken = True
    thread.pass_time(20)
    assert len(thread.renewed) > 5


def test_the_thread_renews_while_its_loop_computes_and_ends_when_closed() -> None:
    renewed = threading.Event()
    began = time.monotonic()
    fallback = LeaseFallback(
        renewed.set, monotonic=lambda: time.monotonic() + STALLED_S * (time.monotonic() > began)
    )
    fallback.start()
    while not renewed.is_set():
        sum(range(1000))  # the interpreter is busy, as with an event loop that computes
    fallback.close()
