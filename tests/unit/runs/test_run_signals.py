"""News of another process's run: none is missed, and nothing is kept."""

import asyncio
import gc
from datetime import UTC, datetime

import pytest
from typing_extensions import override

from app.domain.encoding import timestamp
from app.domain.events import Token, to_json
from app.domain.models import Filters
from app.domain.principals import LOCAL
from app.runs.clock import SystemClock
from app.runs.cursors import StoredCursor
from app.runs.ports import Batch, Created, LogEntry, NewRun
from app.runs.run_signals import RunSignals
from tests.fakes.memory_run_log import MemoryRunLog

LONG_S = 30.0


async def test_a_bell_wakes_everybody_who_waits() -> None:
    bells = RunSignals()
    waiting = [asyncio.ensure_future(bells.wait("r", LONG_S)) for _ in range(3)]
    await asyncio.sleep(0)
    bells.ring("another")
    bells.ring("r")
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)


async def test_what_is_rung_while_one_looks_is_heard() -> None:
    bells = RunSignals()
    bell = bells.hang("r")
    bells.ring("r")
    async with asyncio.timeout(1):
        await bells.rung(bell, LONG_S)


async def test_bells_end_with_those_who_wait_and_with_the_process() -> None:
    bells = RunSignals()
    for number in range(100):
        await bells.wait(str(number), 0)
    await asyncio.sleep(0)  # the loop lets go of the last one
    gc.collect()
    assert len(bells._bells) == 0
    waiting = asyncio.ensure_future(bells.wait("r", LONG_S))
    await asyncio.sleep(0)
    bells.close()
    async with asyncio.timeout(1):
        await waiting
        await bells.wait("r", LONG_S)


@pytest.fixture
def new_run() -> NewRun:
    return NewRun(
        run_id="r",
        principal=LOCAL,
        session_id="s",
        route="chat",
        message_id="m",
        question_id="q",
        question="Why?",
        model="fake",
        filters=Filters(),
        on_disconnect="continue",
        process_id="another",
        created_at=datetime.now(UTC),
    )


async def test_an_event_stored_while_a_cursor_reads_is_shown_at_once(new_run: NewRun) -> None:
    """Its notice comes after the reading that did not see it, and before the waiting."""
    bells = RunSignals()

    class Overtaken(MemoryRunLog):
        overtaken = False

        @override
        async def entries(self, run_id: str, *, after: int, limit: int) -> tuple[LogEntry, ...]:
            page = await super().entries(run_id, after=after, limit=limit)
            if not page and limit > 1 and not self.overtaken:
                self.overtaken = True
                token = Token(content="late", timestamp=timestamp(datetime.now(UTC)))
                entry = LogEntry(1, "token", to_json(token), "late")
                await self.flush([Batch("r", 1, (entry,), 10_001)])
                bells.ring("r")
            return page

    log = Overtaken()
    created = await log.create(new_run)
    assert isinstance(created, Created)
    cursor = StoredCursor(log, LOCAL, created.record, after=0, clock=SystemClock(), bell=bells)
    async with asyncio.timeout(0.8):  # below the poll that backs notices up
        frame = await anext(cursor.frames(silence_s=LONG_S))
    assert frame is not None
    assert frame.text == "late"
