"""Runs the background loops of one event loop, with restarts, backoff, counters and monitoring.

A loop repeats one pass. A pass that raises is retried. Readiness turns false when a loop keeps
failing, or when its last success is older than a pass may take.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.domain.errors import CitestreamError, StoreUnavailable
from app.runs.ports import Clock
from app.runs.tasks import TaskTracker

T = TypeVar("T")

log = logging.getLogger(__name__)

BACKOFF_S = 0.5  # doubled by each consecutive failure ...
MIN_MAX_BACKOFF_S = 2.0  # ... up to the loop's own interval, within these bounds
MAX_BACKOFF_S = 30.0
TOLERATED_S = 10.0
"""Seconds a loop may fail before the process reports that it is not ready."""
PASS_S = 30.0
"""Seconds a pass may take. Statements have a lower timeout of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundLoop:
    """`step` is one pass. It may also wait for work, for less than `pass_s`."""

    name: str
    step: Callable[[], Awaitable[object]]
    every_s: float  # pause after a successful pass
    first_after_s: float = 0.0  # pause before the first pass
    pass_s: float | None = PASS_S  # None: no limit


@dataclass(slots=True)
class LoopState:
    """The state of one loop. Times ending in `_s` are `Clock.monotonic()`."""

    loop: BackgroundLoop
    due_s: float  # time of the last success, or when the first pass was due
    failures: int = 0  # since the start
    consecutive_failures: int = 0
    failing_since_s: float | None = None
    last_success_at: datetime | None = None

    def failing(self, now_s: float) -> bool:
        """Whether this loop makes the process not ready."""
        if self.failing_since_s is not None and now_s - self.failing_since_s > TOLERATED_S:
            return True
        allowed = self.loop.pass_s
        return allowed is not None and now_s - self.due_s > self.loop.every_s + allowed

    def backoff_s(self) -> float:
        """The delay before the next attempt."""
        limit = min(max(self.loop.every_s, MIN_MAX_BACKOFF_S), MAX_BACKOFF_S)
        return float(min(BACKOFF_S * 2.0 ** min(self.consecutive_failures - 1, 16), limit))


@dataclass(slots=True)
class Supervisor:
    """One per event loop. `tasks` owns the loops' tasks and ends them."""

    tasks: TaskTracker
    clock: Clock
    _states: dict[str, LoopState] = field(default_factory=dict)

    def start(self, loop: BackgroundLoop) -> "asyncio.Task[None]":
        """Run `loop` until its task is cancelled. Names must be unique."""
        if loop.name in self._states:
            raise ValueError(f"The background loop {loop.name!r} already exists")
        state = LoopState(loop, self.clock.monotonic() + loop.first_after_s)
        self._states[loop.name] = state
        return self.tasks.spawn(self._run(state), name=loop.name)

    def states(self) -> tuple[LoopState, ...]:
        """All started loops, in start order."""
        return tuple(self._states.values())

    def failing(self) -> tuple[str, ...]:
        """The names of the loops that keep failing or are overdue."""
        now_s = self.clock.monotonic()
        return tuple(name for name, state in self._states.items() if state.failing(now_s))

    def succeeded(self, name: str) -> None:
        """Report success from within a long pass. Unknown names are ignored."""
        if (state := self._states.get(name)) is not None:
            self._succeeded(state)

    async def _run(self, state: LoopState) -> None:
        if state.loop.first_after_s:
            await self.clock.sleep(state.loop.first_after_s)
        while True:
            try:
                await state.loop.step()
            except (Exception, asyncio.CancelledError) as error:
                if _being_cancelled():
                    raise
                self._failed(state, error)
                await self.clock.sleep(state.backoff_s())
                continue
            self._succeeded(state)
            # Even with a pause of 0: a pass that never awaits would otherwise block the event loop.
            await self.clock.sleep(state.loop.every_s)

    def _succeeded(self, state: LoopState) -> None:
        if state.consecutive_failures:
            log.info(
                "Background loop %r works again after %d failures",
                state.loop.name,
                state.consecutive_failures,
            )
        state.consecutive_failures, state.failing_since_s = 0, None
        state.due_s = self.clock.monotonic()
        state.last_success_at = self.clock.now()

    def _failed(self, state: LoopState, error: BaseException) -> None:
        """Logs at consecutive failures 1, 2, 4, 8 …"""
        state.failures += 1
        state.consecutive_failures += 1
        if state.failing_since_s is None:
            state.failing_since_s = self.clock.monotonic()
        if state.consecutive_failures & (state.consecutive_failures - 1):
            return
        expected = isinstance(error, CitestreamError)
        log.log(
            logging.WARNING if expected else logging.ERROR,
            "Background loop %r failed (%d times in a row), retrying: %s",
            state.loop.name,
            state.consecutive_failures,
            error if expected else type(error).__name__,
            exc_info=None if expected else error,
        )


def _being_cancelled() -> bool:
    """False for a `CancelledError` raised by an awaited object rather than by this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def attempt_each(items: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Run `work` on every item and raise errors at the end.

    `StoreUnavailable` is raised immediately, because it would affect every item.
    """
    failed: list[Exception] = []
    for item in items:
        try:
            await work(item)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise ExceptionGroup(f"{len(failed)} items failed", failed)
