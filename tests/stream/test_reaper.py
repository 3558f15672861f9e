"""P4, M23: detection of dead processes, under a simulated clock."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from typing_extensions import override

from app.domain.encoding import timestamp
from app.domain.errors import StoreUnavailable
from app.domain.events import Token, to_json
from app.domain.models import Citation, Filters, Passage, Timings
from app.domain.principals import LOCAL
from app.runs.asking import Ask, RunHandle
from app.runs.log_entries import LogEntry
from app.runs.ports import (
    RESERVE_AHEAD,
    Batch,
    ClosedRun,
    Created,
    DuplicateRequest,
    Lease,
    Leases,
    NewRun,
    RunRecord,
)
from app.runs.reaper import GAP_S, LEASE_S, LivenessTracker, Reaper
from app.runs.service import Limits, RunService
from app.runs.tasks import TaskTracker
from tests.fakes.engine import ScriptedEngine
from tests.fakes.memory_run_log import MemoryRunLog

START = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


@dataclass
class HandClock:
    """Advances only on request; sleeping lets other tasks run."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        while self.seconds < until:
            await asyncio.sleep(0)


def no_citations(text: str, passages: tuple[Passage, ...]) -> tuple[Citation, ...]:
    return ()


# The watch: readings in, dead processes out.

LEASE = Lease("run", 1, "owner", 7)


def watched(*readings: tuple[float, Lease]) -> list[tuple[Lease, ...]]:
    watch = LivenessTracker()
    return [watch.observe(Leases(now_s, (lease,))) for now_s, lease in readings]


def test_a_heartbeat_that_stands_still_is_dead_after_the_lease_and_not_before() -> None:
    verdicts = watched(*((second, LEASE) for second in range(int(LEASE_S) + 2)))
    assert [bool(dead) for dead in verdicts] == [False] * int(LEASE_S) + [True, True]
    assert verdicts[-1] == (LEASE,)


def test_an_owner_that_is_slow_but_beats_lives() -> None:
    readings = [(float(second), replace(LEASE, beat=second // 9)) for second in range(60)]
    assert not any(watched(*readings))


def test_an_owner_that_never_registered_dies_like_any_other() -> None:
    lease = replace(LEASE, beat=None)
    verdicts = watched(*((float(second), lease) for second in range(11)))
    assert verdicts[-1] == (lease,)


@pytest.mark.parametrize("jump", [GAP_S + 0.1, 3600.0, -0.5, -3600.0])
def test_a_gap_or_a_clock_set_back_starts_the_observation_anew(jump: float) -> None:
    before = [(float(second), LEASE) for second in range(10)]
    resumed = 9.0 + jump
    after = [(resumed + second, LEASE) for second in range(11)]
    verdicts = watched(*before, *after)
    assert not any(verdicts[:-1])
    assert verdicts[-1] == (LEASE,)


def test_readings_just_within_the_gap_join() -> None:
    assert watched((0, LEASE), (4, LEASE), (8, LEASE), (12, LEASE))[-1] == (LEASE,)


def test_another_epoch_is_another_observation() -> None:
    taken = replace(LEASE, epoch=2, process_id="heir", beat=1)
    verdicts = watched(
        *((float(second), LEASE) for second in range(10)),
        *((float(10 + second), taken) for second in range(10)),
    )
    assert not any(verdicts)


def test_a_run_that_ended_is_forgotten() -> None:
    watch = LivenessTracker()
    for second in range(6):
        watch.observe(Leases(second, (LEASE,)))
    watch.observe(Leases(6, ()))
    verdicts = [watch.observe(Leases(7 + second, (LEASE,))) for second in range(10)]
    assert not any(verdicts)


def test_the_heartbeat_of_an_orphans_process_does_not_count() -> None:
    watch = LivenessTracker()
    verdicts = [
        watch.observe(Leases(second, (replace(LEASE, beat=second),)), orphans={"run"})
        for second in range(11)
    ]
    assert not any(verdicts[:-1])
    assert verdicts[-1] == (replace(LEASE, beat=10),)


# The reaper, over the log in memory.


@dataclass
class Faulty(MemoryRunLog):
    """Executes a request and loses the response, or is unavailable."""

    clock: HandClock = field(default_factory=HandClock)
    lose: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    mistakes: set[str] = field(default_factory=set)
    finished: list[ClosedRun] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(clock_s=self.clock.monotonic)

    def _fault(self, name: str, faults: set[str]) -> None:
        if name in faults:
            faults.discard(name)
            raise StoreUnavailable(name)

    @override
    async def create(self, new: NewRun) -> Created | DuplicateRequest:
        created = await super().create(new)
        self._fault("create", self.lose)
        return created

    @override
    async def take_over(self, lease: Lease, *, process_id: str) -> RunRecord | None:
        record = await super().take_over(lease, process_id=process_id)
        self._fault("take_over", self.lose)
        return record

    @override
    async def finish(self, outcome: ClosedRun) -> bool:
        self._fault("finish", self.down)
        if self.mistakes:
            raise LookupError(self.mistakes.pop())
        self.finished.append(outcome)
        return await super().finish(outcome)


def new_run(process_id: str, session_id: str = "s1", run_id: str = "run") -> NewRun:
    return NewRun(
        run_id=run_id,
        principal=LOCAL,
        session_id=session_id,
        route="chat",
        message_id=f"{run_id}-answer",
        question_id=f"{run_id}-question",
        question="?",
        model="m",
        filters=Filters(),
        on_disconnect="continue",
        process_id=process_id,
        created_at=START,
    )


async def say(log: MemoryRunLog, *texts: str, run_id: str = "run", after: int = 0) -> None:
    tokens = [Token(content=text, timestamp=timestamp(START)) for text in texts]
    entries = tuple(
        LogEntry(after + place, "token", to_json(token), token.content)
        for place, token in enumerate(tokens, 1)
    )
    await log.flush([Batch(run_id, 1, entries, entries[-1].seq + RESERVE_AHEAD)])


def reaper(log: MemoryRunLog, clock: HandClock, name: str = "heir") -> Reaper:
    return Reaper(log, live=(), process_id=name, cite=no_citations, clock=clock)


async def look_for(seconds: int, clock: HandClock, *reapers: Reaper) -> list[int]:
    closed = []
    for _ in range(seconds):
        clock.seconds += 1
        closed += [await each.check() for each in reapers]
    return closed


async def status(log: MemoryRunLog, run_id: str = "run") -> RunRecord:
    record = await log.record(LOCAL, run_id)
    assert record is not None
    return record


async def test_a_dead_owners_run_is_closed_behind_its_reservation() -> None:
    log = Faulty()
    await log.create(new_run("owner"))
    await say(log, "Nausea", " is")
    closed = await look_for(12, log.clock, reaper(log, log.clock))
    assert sum(closed) == 1
    record = await status(log)
    reserved = 2 + RESERVE_AHEAD
    entries = await log.entries("run", after=2, limit=10)
    assert [(e.seq, e.type) for e in entries] == [
        (reserved, "citations"),
        (reserved + 1, "error"),
    ]
    assert record.terminal == entries[-1]
    content = orjson.loads(entries[-1].data)["content"]
    assert (content["code"], content["partial"], content["saved"]) == ("INTERRUPTED", True, True)
    assert await log.answer_text(LOCAL, "run") == ("Nausea is", ())


@pytest.mark.parametrize(
    ("last", "total_ms"),
    [
        ({"timestamp": timestamp(START + timedelta(seconds=3))}, 3000),
        ({"timestamp": timestamp(START - timedelta(seconds=3))}, 0),
        ({"timestamp": "soon"}, 0),
        ({}, 0),
        (None, 0),
    ],
)
async def test_the_time_of_a_dead_owners_run_ends_with_its_last_event(
    last: dict[str, str] | None, total_ms: int
) -> None:
    """Not when it is closed: the run was not active in between."""
    log = Faulty()
    await log.create(new_run("owner"))
    if last is not None:
        data = orjson.dumps({"type": "token", "content": "Nausea", **last})
        await log.flush(
            [Batch("run", 1, (LogEntry(1, "token", data, "Nausea"),), 1 + RESERVE_AHEAD)]
        )
    await look_for(60, log.clock, reaper(log, log.clock))
    timings = [one.message.timings for one in log.finished]
    assert timings == [Timings(retrieval_ms=None, first_token_ms=None, total_ms=total_ms)]


async def test_a_run_that_said_nothing_ends_without_citations() -> None:
    log = Faulty()
    await log.create(new_run("owner"))
    await look_for(12, log.clock, reaper(log, log.clock))
    assert [e.type for e in await log.entries("run", after=0, limit=10)] == ["error"]


async def test_of_two_reapers_one_closes_the_run() -> None:
    log = Faulty()
    await log.create(new_run("owner"))
    closed = await look_for(14, log.clock, reaper(log, log.clock, "a"), reaper(log, log.clock, "b"))
    assert sum(closed) == 1
    assert (await status(log)).epoch == 2


async def test_a_reaper_that_dies_after_taking_over_is_followed_by_the_next() -> None:
    log = Faulty()
    await log.create(new_run("owner"))
    first, second = reaper(log, log.clock, "a"), reaper(log, log.clock, "b")
    log.lose.add("take_over")
    with pytest.raises(StoreUnavailable):
        await look_for(12, log.clock, first)
    assert (await status(log)).process_id == "a"
    assert sum(await look_for(12, log.clock, second)) == 1
    assert (await status(log)).epoch == 3


@pytest.mark.parametrize("fault", ["take_over", "finish"])
async def test_a_reaper_that_loses_its_database_midway_closes_the_run_later(fault: str) -> None:
    log = Faulty()
    await log.create(new_run("owner"))
    heir = reaper(log, log.clock)
    (log.down if fault == "finish" else log.lose).add(fault)
    with pytest.raises(StoreUnavailable):
        await look_for(12, log.clock, heir)
    assert (await status(log)).status == "running"
    for _ in range(12):
        await log.beat("heir")  # it lives, which must not keep the run alive
        await look_for(1, log.clock, heir)
    assert (await status(log)).status == "error"


async def test_an_outage_is_not_a_death() -> None:
    log = Faulty()
    await log.create(new_run("owner"))
    heir = reaper(log, log.clock)
    await look_for(9, log.clock, heir)
    log.clock.seconds += 60  # no process could read or write
    assert sum(await look_for(3, log.clock, heir)) == 0
    await log.beat("owner")
    assert sum(await look_for(9, log.clock, heir)) == 0


# The reaper as a part of the service.


def run_service(log: Faulty, engine: ScriptedEngine, tasks: TaskTracker) -> RunService:
    return RunService(
        log,
        engine,
        cite=no_citations,
        clock=log.clock,
        limits=Limits(None, 100, 600),
        tasks=tasks,
        process_id="p1",
    )


def question(session_id: str = "s1") -> Ask:
    return Ask(
        principal=LOCAL,
        session_id=session_id,
        route="chat",
        text="?",
        filters=Filters(),
        on_disconnect="continue",
        request_hash="h",
    )


async def pass_time(clock: HandClock, seconds: int) -> None:
    """One second at a time, with enough iterations for every background task."""
    for _ in range(seconds):
        clock.seconds += 1
        for _ in range(20):
            await asyncio.sleep(0)


@dataclass
class Served:
    log: Faulty
    service: RunService
    gate: asyncio.Event  # before the third word


@pytest.fixture
async def served(tasks: TaskTracker) -> Served:
    log = Faulty()
    gate = asyncio.Event()
    runs = run_service(log, ScriptedEngine(gates={2: gate}), tasks)
    await runs.start()
    return Served(log, runs, gate)


async def test_a_question_whose_confirmation_was_lost_does_not_block_its_conversation(
    served: Served,
) -> None:
    served.log.lose.add("create")
    with pytest.raises(StoreUnavailable):
        await served.service.ask(question())
    leases = (await served.log.leases()).leases
    assert len(leases) == 1  # it was requested, but no process acts on it
    await pass_time(served.log.clock, 13)
    assert (await served.log.leases()).leases == ()
    handle = await served.service.ask(question())
    assert handle.record.status == "running"


async def test_a_run_that_is_answered_here_is_never_an_orphan(served: Served) -> None:
    handle = await served.service.ask(question())
    await pass_time(served.log.clock, 60)
    record = await status(served.log, handle.record.run_id)
    assert (record.status, record.epoch) == ("running", 1)


async def viewed(handle: RunHandle) -> list[LogEntry]:
    return [e async for e in handle.cursor.frames(silence_s=3600) if e is not None]


async def test_a_mistake_while_ending_a_run_closes_it_as_interrupted(served: Served) -> None:
    served.log.mistakes.add("finish")
    handle = await served.service.ask(question())
    reading = asyncio.ensure_future(viewed(handle))
    served.gate.set()
    async with asyncio.timeout(10):
        while not reading.done():
            await pass_time(served.log.clock, 1)
            await asyncio.sleep(0.005)
    assert orjson.loads(reading.result()[-1].data)["content"]["code"] == "INTERRUPTED"
    assert (await status(served.log, handle.record.run_id)).status == "error"
