"""Issue 16.14: text that was shown is not retracted from viewers or from the history."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson
import pytest

from app.domain.errors import StoreUnavailable
from app.domain.models import Filters
from app.domain.principals import LOCAL
from app.runs.asking import Ask, RunHandle
from app.runs.cursors import StoredCursor
from app.runs.log_entries import LogEntry
from app.runs.ports import AnswerRecord, ClosedRun, NewRun, RunLog, RunRecord
from app.runs.reaper import Reaper
from app.runs.run_signals import RunSignals
from app.runs.service import Limits, RunService
from app.runs.tasks import TaskTracker
from tests.fakes.engine import ScriptedEngine
from tests.fakes.memory_run_log import MemoryRunLog
from tests.stream.test_reaper import START, HandClock, new_run, no_citations, say

WORDS = ("Nausea ", "is ", "common ", "and ", "mild.")
WHOLE = "".join(WORDS)
INTERRUPTED = b'{"type":"error","content":{"code":"INTERRUPTED"}}'


class Way:
    """One process's access to the log, which can be cut off."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._log, name)
        if name == "subscribe":
            return asked

        async def call(*arguments: Any, **named: Any) -> Any:
            if self.cut:
                raise StoreUnavailable("cut off")
            return await asked(*arguments, **named)

        return call


@dataclass
class Scene:
    """An owner with a run whose engine waits at gates, and the reaper of another process."""

    log: MemoryRunLog
    clock: HandClock
    way: Way
    owner: RunService
    reaper: Reaper
    engine: ScriptedEngine
    handle: RunHandle
    shown: list[LogEntry] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return self.handle.record.run_id

    @property
    def text(self) -> str:
        """The text shown to a viewer at the owner."""
        return text_of(self.shown)

    async def settle(self) -> None:
        """Lets all tasks run, and threads for a moment."""
        for _ in range(100):
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)

    async def pass_time(self, seconds: int) -> None:
        """A second at a time, for the owner and for the reaper."""
        for _ in range(seconds):
            self.clock.seconds += 1
            await self.settle()
            await self.reaper.check()

    async def until_over(self) -> None:
        """A viewer that continues from the store waits for events in real time."""
        async with asyncio.timeout(20):
            while self.shown[-1].type not in {"done", "error"}:
                await self.pass_time(1)

    async def pause(self, seconds: int, *, closed: bool) -> None:
        """The owner is suspended: nothing here yields to the event loop."""
        self.clock.seconds += seconds
        if closed:
            await close_as_dead(self.log, self.run_id)

    async def record(self) -> RunRecord:
        found = await self.log.record(LOCAL, self.run_id)
        assert found is not None
        return found

    async def stored_text(self) -> str:
        return (await self.log.answer_text(LOCAL, self.run_id))[0]

    async def replayed(self, after: int) -> list[LogEntry]:
        """The events that a viewer at another replica gets after a position."""
        cursor = StoredCursor(
            self.log,
            LOCAL,
            await self.record(),
            after=after,
            clock=self.clock,
            signals=RunSignals(),
        )
        return [entry async for entry in cursor.frames(silence_s=3600) if entry is not None]


def text_of(entries: list[LogEntry]) -> str:
    text = ""
    for entry in entries:
        if entry.type == "reset":
            text = orjson.loads(entry.data)["content"]["text"]
        text += entry.text or ""
    return text


def code_of(entry: LogEntry) -> str:
    return str(orjson.loads(entry.data)["content"]["code"])


async def close_as_dead(log: MemoryRunLog, run_id: str) -> None:
    """As the reaper does it, without letting other tasks run."""
    lease = next(one for one in (await log.leases()).leases if one.run_id == run_id)
    taken = await log.take_over(lease, process_id="reaper")
    assert taken is not None
    text, _ = await log.answer_text(LOCAL, run_id)
    message = AnswerRecord(
        status="error",
        content=text,
        finish_reason=None,
        citations=(),
        evidence=(),
        usage=None,
        timings=None,
        error_code="INTERRUPTED",
    )
    ending = ClosedRun(
        run_id=run_id,
        epoch=taken.epoch,
        status="error",
        entries=(LogEntry(taken.reserved + 1, "error", INTERRUPTED),),
        message=message,
        receipt=None,
        ended_at=START,
    )
    assert await log.finish(ending)


@asynccontextmanager
async def scene(tasks: TaskTracker, *gates: int) -> AsyncIterator[Scene]:
    """The text before the first gate was emitted and stored."""
    clock = HandClock()
    log = MemoryRunLog(clock_s=clock.monotonic)
    way = Way(log)
    engine = ScriptedEngine(tokens=WORDS, gates={gate: asyncio.Event() for gate in gates})
    owner = RunService(
        cast("RunLog", way),
        engine,
        cite=no_citations,
        clock=clock,
        limits=Limits(None, 100, 6000),
        tasks=tasks,
        process_id="owner",
    )
    await owner.start()
    asked = Ask(
        principal=LOCAL,
        session_id="s1",
        route="chat",
        text="?",
        filters=Filters(),
        on_disconnect="continue",
        request_hash="h",
    )
    reaper = Reaper(log, live=(), process_id="reaper", cite=no_citations, clock=clock)
    handle = await owner.ask(asked)
    here = Scene(log, clock, way, owner, reaper, engine, handle)

    async def view() -> None:
        async with aclosing(handle.cursor.frames(silence_s=3600)) as frames:
            async for entry in frames:
                if entry is not None:
                    here.shown.append(entry)

    viewing = asyncio.ensure_future(view())
    await here.pass_time(3)
    assert here.text == await here.stored_text() == "".join(WORDS[: min(gates)])
    try:
        yield here
    finally:
        viewing.cancel()
        await owner.close()


async def test_an_owner_that_wakes_shows_nothing_of_a_run_that_was_closed(
    tasks: TaskTracker,
) -> None:
    async with scene(tasks, 2) as here:
        await here.pause(20, closed=True)
        closed = await here.record()
        here.engine.gates[2].set()  # the text sent meanwhile arrives at once
        await here.settle()
        await here.pass_time(5)
        assert (here.text, here.shown[-1].data) == ("Nausea is ", INTERRUPTED)
        assert all(entry.text not in WORDS[2:] for entry in here.shown)
        assert await here.record() == closed
        assert (await here.stored_text(), here.engine.closed) == ("Nausea is ", 1)


async def test_an_owner_that_wakes_before_it_was_missed_goes_on(tasks: TaskTracker) -> None:
    async with scene(tasks, 2) as here:
        await here.pause(8, closed=False)
        here.engine.gates[2].set()
        await here.settle()
        await here.pass_time(3)
        assert (here.text, here.shown[-1].type) == (WHOLE, "done")
        assert "reset" not in [entry.type for entry in here.shown]
        assert await here.stored_text() == WHOLE


async def test_an_owner_that_wakes_without_its_database_waits_for_it(tasks: TaskTracker) -> None:
    async with scene(tasks, 2) as here:
        here.way.cut = True
        await here.pause(20, closed=True)
        here.engine.gates[2].set()
        await here.pass_time(5)
        assert here.text == "Nausea is "
        here.way.cut = False
        await here.pass_time(5)
        assert (here.text, here.shown[-1].data) == ("Nausea is ", INTERRUPTED)


async def test_the_whole_answer_of_an_owner_that_was_cut_off_replaces_the_cut_one(
    tasks: TaskTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runs.producer.UNSAVED_AFTER_S", 0.02)
    async with scene(tasks, 2) as here:
        here.way.cut = True
        here.engine.gates[2].set()
        await here.pass_time(20)
        assert (here.text, here.shown[-1].type) == (WHOLE, "done")
        assert orjson.loads(here.shown[-1].data)["content"]["saved"] is False
        closed = (await here.record()).terminal
        assert closed is not None
        assert (code_of(closed), await here.stored_text()) == ("INTERRUPTED", "Nausea is ")
        seen_elsewhere = await here.replayed(0)
        here.way.cut = False
        await here.pass_time(3)
        now = await here.record()
        assert (now.status, await here.stored_text()) == ("complete", WHOLE)
        replayed = await here.replayed(0)
        assert (text_of(replayed), replayed[-1]) == (WHOLE, now.terminal)
        # A viewer that saw the other end gets the whole text, with higher event ids.
        again = await here.replayed(seen_elsewhere[-1].seq)
        assert [entry.type for entry in again] == ["reset", "done"]
        assert [entry.seq for entry in again] == [closed.seq + 1, closed.seq + 2]
        assert text_of(again) == WHOLE
        # So does one that saw unsaved text; one in the middle continues.
        assert text_of(await here.replayed(here.shown[-1].seq)) == WHOLE
        stored = await here.log.entries(here.run_id, after=0, limit=99)
        middle = next(entry for entry in stored if entry.text == WORDS[2])
        assert text_of(await here.replayed(middle.seq)) == "".join(WORDS[3:])


async def test_an_answer_that_is_still_written_when_its_owner_is_back_goes_on(
    tasks: TaskTracker,
) -> None:
    async with scene(tasks, 2, 4) as here:
        here.way.cut = True
        here.engine.gates[2].set()
        await here.pass_time(20)
        assert here.text == "".join(WORDS[:4])
        assert (await here.record()).status == "error"
        here.way.cut = False
        await here.pass_time(5)
        assert here.text == "".join(WORDS[:4])
        here.engine.gates[4].set()
        await here.pass_time(3)
        assert (here.text, here.shown[-1].type) == (WHOLE, "done")
        assert "reset" not in [entry.type for entry in here.shown]
        numbers = [entry.seq for entry in here.shown]
        assert numbers == sorted(set(numbers))
        terminal = (await here.record()).terminal
        assert (here.shown[-1], await here.stored_text()) == (terminal, WHOLE)
        assert await here.owner.attach(LOCAL, here.run_id, after=here.shown[-1].seq) is None
        late = await here.owner.attach(LOCAL, here.run_id, after=here.shown[-2].seq)
        assert late is not None
        assert [entry async for entry in late.frames(silence_s=3600)] == [terminal]


async def test_a_stop_that_came_while_the_owner_was_cut_off_is_heard_when_it_is_back(
    tasks: TaskTracker,
) -> None:
    async with scene(tasks, 2, 4) as here:
        here.way.cut = True
        here.engine.gates[2].set()
        await here.pass_time(2)
        assert await here.log.request_stop(LOCAL, here.run_id, at=START) is not None
        await here.pass_time(18)
        here.way.cut = False
        await here.pass_time(5)
        assert (await here.record()).status == "stopped"
        assert await here.stored_text() == here.text == "".join(WORDS[:4])
        assert here.engine.closed == 1


async def test_what_was_continued_elsewhere_stays_as_it_was_continued(tasks: TaskTracker) -> None:
    async with scene(tasks, 2, 4) as here:
        here.way.cut = True
        here.engine.gates[2].set()
        await here.pass_time(20)
        record = here.handle.record
        more = replace(
            new_run("reaper", run_id="more"),
            question=None,
            question_id=record.question_id,
            continues=record.message_id,
        )
        await here.log.create(more)
        here.way.cut = False
        here.engine.gates[4].set()
        await here.until_over()
        assert (await here.record()).status == "error"
        assert await here.stored_text() == here.text == "Nausea is "
        assert code_of(here.shown[-1]) == "INTERRUPTED"


# A reset takes the id of a stored event.


async def test_a_position_of_a_run_of_which_nothing_is_stored_waits_for_it() -> None:
    clock = HandClock()
    log = MemoryRunLog(clock_s=clock.monotonic)
    created: NewRun = new_run("owner")
    await log.create(created)
    record = await log.record(LOCAL, "run")
    assert record is not None
    cursor = StoredCursor(log, LOCAL, record, after=5, clock=clock, signals=RunSignals())
    async with aclosing(cursor.frames(silence_s=10)) as frames, asyncio.timeout(20):
        ticking = asyncio.ensure_future(tick(clock))
        assert await anext(frames) is None
        await say(log, "Nausea ", "is ")
        while (reset := await anext(frames)) is None:
            pass
        ticking.cancel()
    assert (reset.type, reset.seq, text_of([reset])) == ("reset", 2, "Nausea is ")


async def tick(clock: HandClock) -> None:
    while True:
        clock.seconds += 1
        await asyncio.sleep(0.02)


async def test_a_run_that_died_before_anything_was_stored_is_reset_at_its_end() -> None:
    clock = HandClock()
    log = MemoryRunLog(clock_s=clock.monotonic)
    await log.create(new_run("owner"))
    record = await log.record(LOCAL, "run")
    assert record is not None
    cursor = StoredCursor(log, LOCAL, record, after=5, clock=clock, signals=RunSignals())
    await close_as_dead(log, "run")
    shown = [entry async for entry in cursor.frames(silence_s=10) if entry is not None]
    assert [entry.type for entry in shown] == ["reset", "error"]
    assert 0 < shown[0].seq < shown[1].seq
