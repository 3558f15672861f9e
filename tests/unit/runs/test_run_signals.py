"""Notifications of other processes' runs: none is missed, and none is retained."""

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
from app.runs.log_entries import LogEntry
from app.runs.ports import Batch, Created, NewRun
from app.runs.run_signals import RunSignals
from tests.fakes.memory_run_log import MemoryRunLog

LONG_S = 30.0


async def test_a_notification_wakes_every_waiter() -> None:
    signals = RunSignals()
    waiting = [asyncio.ensure_future(signals.wait_for("r", LONG_S)) for _ in range(3)]
    await asyncio.sleep(0)
    signals.notify("another")
    signals.notify("r")
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)


async def test_a_notification_while_the_log_is_read_is_not_missed() -> None:
    signals = RunSignals()
    event = signals.subscribe("r")
    signals.notify("r")
    async with asyncio.timeout(1):
        await signals.wait(event, LONG_S)


async def test_events_are_dropped_with_their_waiters_and_at_shutdown() -> None:
    signals = RunSignals()
    for number in range(100):
        await signals.wait_for(str(number), 0)
    await asyncio.sleep(0)  # the loop lets go of the last one
    gc.collect()
    assert len(signals._events) == 0
    waiting = asyncio.ensure_future(signals.wait_for("r", LONG_S))
    await asyncio.sleep(0)
    signals.close()
    async with asyncio.timeout(1):
        await waiting
        await signals.wait_for("r", LONG_S)


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
    """Its notification arrives after the read that missed it and before the wait."""
    signals = RunSignals()

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
                signals.notify("r")
            return page

    log = Overtaken()
    created = await log.create(new_run)
    assert isinstance(created, Created)
    cursor = StoredCursor(log, LOCAL, created.record, after=0, clock=SystemClock(), signals=signals)
    async with asyncio.timeout(0.8):  # below the poll that backs notices up
        frame = await anext(cursor.frames(silence_s=LONG_S))
    assert frame is not None
    assert frame.text == "late"
