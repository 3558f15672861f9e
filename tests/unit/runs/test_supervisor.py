"""P17: a background loop survives any exception; failures are counted and reported."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from app.domain.errors import StoreUnavailable
from app.observability.exposition import LiveCollector
from app.observability.metrics import Metrics
from app.observability.run_metrics import RunMetrics
from app.runs.supervisor import (
    BACKOFF_S,
    MAX_BACKOFF_S,
    PASS_S,
    TOLERATED_S,
    BackgroundLoop,
    Supervisor,
    attempt_each,
)
from app.runs.tasks import TaskTracker

START = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


@dataclass
class SteppedClock:
    """Records each sleep, returns at once, and lets other tasks run."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)
    limit: int = 1000

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        if len(self.slept) >= self.limit:
            await asyncio.Event().wait()
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


ODD: list[BaseException] = [
    StoreUnavailable("away"),
    TypeError("ours"),
    KeyError("field"),
    asyncio.CancelledError(),  # of something that was waited for
    ExceptionGroup("two", [ValueError("a"), ValueError("b")]),
    TimeoutError(),
    RecursionError(),
    MemoryError(),
    OSError(28, "No space left on device"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
]


@dataclass
class Failing:
    """A pass that raises each of `failures` in turn, and then works."""

    failures: list[BaseException]
    passes_through: int = 0
    worked: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.passes_through += 1
        if self.failures:
            raise self.failures.pop(0)
        self.worked.set()


def loop(step: Failing, *, every_s: float = 1.0, first_after_s: float = 0.0) -> BackgroundLoop:
    return BackgroundLoop(name="recorder", step=step, every_s=every_s, first_after_s=first_after_s)


async def test_whatever_a_loop_raises_ten_times_it_comes_back(tasks: TaskTracker) -> None:
    clock = SteppedClock()
    supervisor = Supervisor(tasks, clock)
    step = Failing(list(ODD))
    task = supervisor.start(loop(step))
    await step.worked.wait()
    (state,) = supervisor.states()
    assert (step.passes_through, state.failures) == (11, 10)
    await asyncio.sleep(0)
    assert (state.consecutive_failures, state.failing_since_s) == (0, None)
    assert state.last_success_at is not None
    assert not task.done()


async def test_the_pauses_between_failures_grow_to_a_limit(tasks: TaskTracker) -> None:
    for every_s, most in ((0.0, 2.0), (5.0, 5.0), (600.0, MAX_BACKOFF_S)):
        clock = SteppedClock()
        step = Failing([LookupError() for _ in range(10)])
        Supervisor(tasks, clock).start(loop(step, every_s=every_s))
        await step.worked.wait()
        expected = [min(BACKOFF_S * 2**number, most) for number in range(10)]
        assert clock.slept[:10] == expected


async def test_readiness_knows_what_keeps_failing_and_forgets_it(tasks: TaskTracker) -> None:
    clock = SteppedClock(limit=20)
    supervisor = Supervisor(tasks, clock)
    step = Failing([LookupError() for _ in range(20)])
    supervisor.start(loop(step))
    seen: list[tuple[float, bool]] = []
    while len(clock.slept) < 20:
        seen.append((clock.seconds, bool(supervisor.failing())))
        await asyncio.sleep(0)
    assert [failing for at, failing in seen] == [at > TOLERATED_S for at, _ in seen]
    assert supervisor.failing() == ("recorder",)
    clock.limit = 21
    supervisor = Supervisor(tasks, clock)
    supervisor.start(loop(Failing([])))
    await asyncio.sleep(0)
    assert supervisor.failing() == ()


async def test_a_pass_that_hangs_is_overdue(tasks: TaskTracker) -> None:
    clock = SteppedClock()
    supervisor = Supervisor(tasks, clock)
    hanging = asyncio.Event()

    async def hang() -> None:
        await hanging.wait()

    supervisor.start(BackgroundLoop(name="hangs", step=hang, every_s=2))
    supervisor.start(BackgroundLoop(name="waits", step=hang, every_s=2, pass_s=None))
    await asyncio.sleep(0)
    clock.seconds += 2 + PASS_S
    assert supervisor.failing() == ()
    clock.seconds += 0.1
    assert supervisor.failing() == ("hangs",)
    clock.limit = 0
    hanging.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert supervisor.failing() == ()


async def test_the_first_pass_may_be_later_without_being_overdue(tasks: TaskTracker) -> None:
    clock = SteppedClock(limit=0)
    supervisor = Supervisor(tasks, clock)
    supervisor.start(loop(Failing([]), every_s=600, first_after_s=600))
    clock.seconds += 600 + PASS_S
    assert supervisor.failing() == ()


async def test_a_loop_ends_with_its_task(tasks: TaskTracker) -> None:
    supervisor = Supervisor(tasks, SteppedClock(limit=0))
    task = supervisor.start(loop(Failing([])))
    await asyncio.sleep(0)
    await tasks.close()
    assert task.cancelled()
    (state,) = supervisor.states()
    assert state.failures == 0


async def test_a_name_is_used_once(tasks: TaskTracker) -> None:
    supervisor = Supervisor(tasks, SteppedClock(limit=0))
    supervisor.start(loop(Failing([])))
    with pytest.raises(ValueError, match="recorder"):
        supervisor.start(loop(Failing([])))


async def test_a_mistake_is_logged_with_its_traceback_and_an_outage_in_one_line(
    tasks: TaskTracker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.runs.supervisor")
    away: list[BaseException] = [StoreUnavailable("away") for _ in range(5)]
    ours: list[BaseException] = [TypeError("ours")]
    for failures in (away, ours):
        step = Failing(failures)
        Supervisor(tasks, SteppedClock()).start(loop(step))
        await step.worked.wait()
        await asyncio.sleep(0)
    told = [(record.levelname, bool(record.exc_info)) for record in caplog.records]
    outage = [("WARNING", False)] * 3  # the first, second and fourth time
    back = ("INFO", False)
    assert told == [*outage, back, ("ERROR", True), back]


async def test_the_metrics_name_each_loop(tasks: TaskTracker) -> None:
    supervisor = Supervisor(tasks, SteppedClock(limit=2))
    step = Failing([LookupError(), LookupError()])
    supervisor.start(loop(step))
    await step.worked.wait()
    await asyncio.sleep(0)
    figures = Metrics()
    runs = RunMetrics(figures, log_text=False)
    registry = CollectorRegistry()
    registry.register(LiveCollector(figures, runs, lambda: (1, 1, 1), supervisor.states))
    text = generate_latest(registry).decode()
    assert 'citestream_background_failures_total{loop="recorder"} 2.0' in text
    at = (START + timedelta(seconds=1.5)).timestamp()
    name = "citestream_background_last_success_timestamp_seconds"
    (line,) = [line for line in text.splitlines() if line.startswith(f'{name}{{loop="recorder"}}')]
    assert float(line.rpartition(" ")[2]) == at


async def test_of_many_items_those_that_fail_keep_no_other_waiting() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        if item % 2:
            raise LookupError(item)
        done.append(item)

    with pytest.raises(LookupError):
        await attempt_each([0, 1, 2], work)
    with pytest.raises(ExceptionGroup):
        await attempt_each([3, 4, 5, 6], work)
    assert done == [0, 2, 4, 6]

    async def away(item: int) -> None:
        done.append(item)
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        await attempt_each([7, 8], away)
    assert done[4:] == [7]
