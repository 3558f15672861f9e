"""A viewer whose run was taken over: numbers on its connection only increase."""

import asyncio
import time
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from typing_extensions import override

from app.domain.events import Token
from app.domain.models import Filters
from app.domain.principals import Principal
from app.runs import cursors
from app.runs.active_run import LiveRun
from app.runs.cursors import LiveCursor, StoredCursor
from app.runs.log_entries import LogEntry
from app.runs.ports import AnswerRecord, ClosedRun, Created, NewRun
from app.runs.run_signals import RunSignals
from tests.fakes.memory_run_log import MemoryRunLog

ANN = Principal("ann")
NOW = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)


class HurriedClock:
    """Advances one second with every reading."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class SilentSignals(RunSignals):
    """Never notifies and never waits."""

    @override
    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)


def asked() -> NewRun:
    return NewRun(
        run_id="run-1",
        principal=ANN,
        session_id="s",
        route="chat",
        message_id="answer-1",
        question_id="question-1",
        question="What is asked?",
        model="quoting",
        filters=Filters(),
        on_disconnect="continue",
        process_id="process-1",
        created_at=NOW,
        request_hash="hash",
    )


async def taken_over_and_closed(log: MemoryRunLog) -> LogEntry:
    [lease] = (await log.leases()).leases
    taken = await log.take_over(lease, process_id="process-2")
    assert taken is not None
    end = LogEntry(taken.reserved + 1, "error", b'{"type":"error"}')
    ended = ClosedRun(
        run_id="run-1",
        epoch=taken.epoch,
        status="error",
        entries=(end,),
        message=AnswerRecord("error", "", None, (), (), None, None),
        receipt=None,
        ended_at=NOW,
    )
    assert await log.finish(ended)
    return end


async def test_what_a_dead_owner_never_stored_is_taken_back_by_a_higher_number() -> None:
    log, clock = MemoryRunLog(), HurriedClock()
    created = await log.create(asked())
    assert isinstance(created, Created)
    run = LiveRun(created.record, cancel_on_disconnect=False, started_at=0)
    run.entries.append(LogEntry(1, "run_start", b'{"type":"run_start"}'))
    stored = StoredCursor(log, ANN, created.record, after=0, clock=clock, signals=SilentSignals())
    seen: list[LogEntry] = []
    async with aclosing(LiveCursor(run, 0, clock, stored).frames(silence_s=3)) as frames:
        seen.append(await anext(entry async for entry in frames if entry is not None))
        run.fence(at=clock.monotonic())
        # Nobody has closed it yet: the viewer only gets heartbeats.
        assert [await anext(frames) for _ in range(3)] == [None, None, None]
        end = await taken_over_and_closed(log)
        seen += [entry async for entry in frames if entry is not None]
    assert [entry.type for entry in seen] == ["run_start", "reset", "error"]
    assert [entry.seq for entry in seen] == [1, end.seq - 1, end.seq]


async def test_a_token_at_the_moment_the_wait_is_over_does_not_prolong_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The token and the timeout are due in the same iteration of a starved event loop."""
    monkeypatch.setattr(cursors, "FUTURE_WAIT_S", 0.05)
    log, clock, loop = MemoryRunLog(), HurriedClock(), asyncio.get_running_loop()
    created = await log.create(asked())
    assert isinstance(created, Created)
    run = LiveRun(created.record, cancel_on_disconnect=False, started_at=0)
    run.append(Token(content="One", timestamp="then"))
    stored = StoredCursor(log, ANN, created.record, after=0, clock=clock, signals=SilentSignals())
    async with aclosing(LiveCursor(run, 5000, clock, stored).frames(silence_s=3)) as frames:
        over = loop.time() + cursors.FUTURE_WAIT_S
        loop.call_at(over - 0.04, time.sleep, 0.06)
        loop.call_at(over - 0.02, run.append, Token(content=" two", timestamp="then"))
        async with asyncio.timeout(1):
            entry = await anext(frames)
    assert entry is not None
    assert (entry.type, entry.seq) == ("reset", 2)
