"""FR-003, FR-018, P2, P6, P7, P8: the life of a run over the in-memory log."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from typing_extensions import override

from app.domain.errors import (
    Draining,
    IdempotencyMismatch,
    NotFound,
    RunInProgress,
    ServerBusy,
    StoreUnavailable,
    TooManyRuns,
)
from app.domain.events import Stage, Token
from app.domain.models import Citation, Filters, OnDisconnect
from app.domain.principals import LOCAL, Principal
from app.runs.asking import Ask
from app.runs.citation_check import Citer
from app.runs.clock import SystemClock
from app.runs.cursors import LiveCursor, StoredCursor
from app.runs.log_entries import LogEntry
from app.runs.ports import ClosedRun, EngineResult, Evidence, Question
from app.runs.producer import MAX_CONCURRENT_SEARCHES
from app.runs.service import Limits, RunService
from app.runs.tasks import TaskTracker
from tests.fakes.engine import FAILED, NOW, ScriptedEngine
from tests.fakes.memory_run_log import MemoryRunLog

Cursor = LiveCursor | StoredCursor
OTHER = Principal("other")


def ask(
    text: str = "What are the side effects?",
    *,
    session_id: str = "s1",
    run_id: str | None = None,
    key: str | None = None,
    on_disconnect: OnDisconnect = "continue",
    principal: Principal = LOCAL,
) -> Ask:
    return Ask(
        principal=principal,
        session_id=session_id,
        route="chat",
        text=text,
        filters=Filters(),
        on_disconnect=on_disconnect,
        request_hash=text,
        run_id=run_id,
        idempotency_key=key,
    )


@asynccontextmanager
async def running(
    engine: ScriptedEngine,
    *,
    log: MemoryRunLog | None = None,
    per_owner: int | None = None,
    per_process: int = 100,
    run_timeout_s: float = 10,
    process_id: str = "p1",
    cite: Citer = lambda text, passages: (),
) -> AsyncIterator[RunService]:
    tasks = TaskTracker()
    service = RunService(
        log or MemoryRunLog(),
        engine,
        cite=cite,
        clock=SystemClock(),
        limits=Limits(per_owner, per_process, run_timeout_s),
        tasks=tasks,
        process_id=process_id,
    )
    await service.start()
    try:
        yield service
    finally:
        await service.close()
        await tasks.close()


async def read(cursor: Cursor, *, upto: int = 10**9) -> list[LogEntry]:
    frames: list[LogEntry] = []
    async for entry in cursor.frames(silence_s=5):
        assert entry is not None
        frames.append(entry)
        if entry.seq >= upto:
            break
    return frames


def content(entry: LogEntry) -> Any:
    return orjson.loads(entry.data)["content"]


def text_of(frames: list[LogEntry]) -> str:
    return "".join(entry.text for entry in frames if entry.text is not None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_run_is_run_start_tokens_citations_done() -> None:
    async with running(ScriptedEngine()) as service:
        handle = await service.ask(ask())
        frames = await read(handle.cursor)
    types = [entry.type for entry in frames]
    assert types[:2] == ["run_start", "generation_start"]
    assert types[-2:] == ["citations", "done"]
    assert set(types[2:-2]) == {"token"}
    assert text_of(frames) == "Nausea is common [1]."
    assert [e.seq for e in frames] == sorted({e.seq for e in frames})
    assert frames[-1].seq == 8
    done = content(frames[-1])
    assert done["finish_reason"] == "stop"
    assert done["saved"] is True
    assert done["usage"]["estimated"] is True


async def test_a_reader_that_keeps_up_gets_every_token_in_its_own_frame() -> None:
    gates = {index: asyncio.Event() for index in range(4)}
    async with running(ScriptedEngine(gates=gates)) as service:
        handle = await service.ask(ask())
        tokens: list[str | None] = []
        async for entry in handle.cursor.frames(silence_s=5):
            assert entry is not None
            if entry.type == "token":
                tokens.append(entry.text)
            if len(tokens) < 4:
                gates[len(tokens)].set()
    assert tokens == ["Nausea", " is", " common", " [1]."]


@pytest.mark.parametrize("position", range(9))
async def test_resume_from_every_position_gives_the_rest_once(position: int) -> None:
    async with running(ScriptedEngine()) as service:
        handle = await service.ask(ask())
        whole = await read(handle.cursor)
        cursor = await service.attach(LOCAL, handle.record.run_id, after=position)
        if position == 8:
            assert cursor is None
            return
        assert cursor is not None
        rest = await read(cursor)
    assert all(entry.seq > position for entry in rest)
    assert rest[-1] == whole[-1]
    tokens = ["Nausea", " is", " common", " [1]."]
    assert text_of(rest) == "".join(tokens[max(0, position - 2) :])


async def test_a_position_that_was_never_handed_out_gets_a_reset() -> None:
    async with running(ScriptedEngine()) as service:
        handle = await service.ask(ask())
        await read(handle.cursor)
        cursor = await service.attach(LOCAL, handle.record.run_id, after=99)
        assert cursor is not None
        frames = await read(cursor)
    assert [entry.type for entry in frames] == ["reset", "done"]
    assert content(frames[0])["text"] == "Nausea is common [1]."
    assert frames[0].seq < frames[1].seq


async def test_a_future_position_of_a_live_run_gets_a_reset_and_then_the_rest() -> None:
    gates = {2: asyncio.Event()}
    async with running(ScriptedEngine(gates=gates)) as service:
        handle = await service.ask(ask())
        await read(handle.cursor, upto=4)
        cursor = await service.attach(LOCAL, handle.record.run_id, after=50)
        assert cursor is not None
        frames: list[LogEntry] = []
        async for entry in cursor.frames(silence_s=5):
            assert entry is not None
            frames.append(entry)
            gates[2].set()
    assert frames[0].type == "reset"
    assert content(frames[0])["text"] + text_of(frames) == "Nausea is common [1]."
    assert [e.seq for e in frames] == sorted({e.seq for e in frames})


async def test_stop_keeps_the_partial_answer_and_gives_a_receipt() -> None:
    engine = ScriptedEngine(gates={2: asyncio.Event()})
    log = MemoryRunLog()
    async with running(engine, log=log) as service:
        handle = await service.ask(ask())
        await read(handle.cursor, upto=4)
        receipt = await service.stop(LOCAL, handle.record.run_id)
        cursor = await service.attach(LOCAL, handle.record.run_id, after=0)
        assert cursor is not None
        frames = await read(cursor)
        again = await service.stop(LOCAL, handle.record.run_id)
    assert receipt is not None
    assert (receipt.stopped, receipt.already, receipt.tokens_kept) == (True, False, 2)
    assert engine.closed == 1
    assert content(frames[-1])["finish_reason"] == "stopped"
    assert text_of(frames) == "Nausea is"
    assert again is not None
    assert again.already
    history = await log.history(LOCAL, "s1", before="another", limit=5)
    assert [(turn.answer, turn.interrupted) for turn in history] == [("Nausea is", True)]


async def test_the_beginning_of_a_marker_is_not_lost_when_a_run_is_stopped() -> None:
    class Withholding(ScriptedEngine):
        @override
        async def answer(self, question: Question, evidence: Evidence) -> Any:
            yield Token(content="Nausea ", timestamp=NOW)
            evidence.withheld = "[1"
            await asyncio.Event().wait()

    async with running(Withholding()) as service:
        handle = await service.ask(ask())
        await read(handle.cursor, upto=2)
        await service.stop(LOCAL, handle.record.run_id)
        cursor = await service.attach(LOCAL, handle.record.run_id, after=0)
        assert cursor is not None
        frames = await read(cursor)
    assert text_of(frames) == "Nausea [1"


async def test_citations_that_cannot_be_judged_do_not_cost_the_answer() -> None:
    def broken(text: str, passages: object) -> tuple[Citation, ...]:
        raise ValueError("broken")

    async with running(ScriptedEngine(), cite=broken) as service:
        frames = await read((await service.ask(ask())).cursor)
    assert content(frames[-2])["citations"] == []
    assert frames[-1].type == "done"


async def test_a_stop_that_comes_before_its_run_is_remembered() -> None:
    engine = ScriptedEngine()
    run_id = "0b0a3f0e-8d0c-4b55-9a51-4a5ddcf4a1aa"
    async with running(engine) as service:
        with pytest.raises(NotFound):
            await service.stop(LOCAL, run_id)
        with pytest.raises(NotFound):
            await service.stop(OTHER, run_id)
        handle = await service.ask(ask(run_id=run_id))
        frames = await read(handle.cursor)
    assert content(frames[-1])["finish_reason"] == "stopped"
    assert engine.asked == []


async def test_a_late_stop_never_hits_a_newer_run() -> None:
    engine = ScriptedEngine()
    async with running(engine) as service:
        first = await service.ask(ask())
        await read(first.cursor)
        engine.gates = {1: asyncio.Event()}
        second = await service.ask(ask())
        await service.stop(LOCAL, first.record.run_id)
        engine.gates[1].set()
        frames = await read(second.cursor)
    assert content(frames[-1])["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("mode", "reason"), [("cancel", "stopped"), ("continue", "stop")], ids=["cancel", "continue"]
)
async def test_a_lost_connection_stops_only_a_cancel_run(mode: OnDisconnect, reason: str) -> None:
    gate = asyncio.Event()
    async with running(ScriptedEngine(gates={2: gate})) as service:
        handle = await service.ask(ask(on_disconnect=mode))
        await read(handle.cursor, upto=4)
        handle.close()
        handle.close()
        gate.set()
        cursor = await service.attach(LOCAL, handle.record.run_id, after=0)
        assert cursor is not None
        frames = await read(cursor)
    assert content(frames[-1])["finish_reason"] == reason


async def test_the_last_of_several_posts_decides() -> None:
    gate = asyncio.Event()
    async with running(ScriptedEngine(gates={2: gate})) as service:
        first = await service.ask(ask(key="k", on_disconnect="cancel"))
        second = await service.ask(ask(key="k", on_disconnect="cancel"))
        assert first.record.run_id == second.record.run_id
        first.close()
        gate.set()
        frames = await read(second.cursor)
    assert content(frames[-1])["finish_reason"] == "stop"


async def test_a_caller_cancelled_while_asking_counts_as_a_closed_connection() -> None:
    class SlowLog(MemoryRunLog):
        gate = asyncio.Event()

        @override
        async def create(self, new: Any) -> Any:
            await self.gate.wait()
            return await super().create(new)

    log = SlowLog()
    engine = ScriptedEngine(gates={0: asyncio.Event()})
    async with running(engine, log=log) as service:
        asking = asyncio.ensure_future(service.ask(ask(on_disconnect="cancel")))
        await asyncio.sleep(0)
        asking.cancel()
        log.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: bool(engine.asked) or service.active == 0)
        await until(lambda: service.active == 0)


@pytest.mark.parametrize(
    ("failure", "code"),
    [(FAILED, "UPSTREAM_UNAVAILABLE"), (ValueError("secret"), "INTERNAL")],
    ids=["known", "unknown"],
)
async def test_a_failure_is_one_error_with_the_partial_text(failure: Exception, code: str) -> None:
    async with running(ScriptedEngine(failure=failure)) as service:
        frames = await read((await service.ask(ask())).cursor)
    error = content(frames[-1])
    assert frames[-1].type == "error"
    assert frames[-2].type == "citations"
    assert (error["code"], error["partial"], error["saved"]) == (code, True, True)
    assert "secret" not in error["message"]


async def test_an_engine_that_ends_without_a_word_is_truncated() -> None:
    class Mute(ScriptedEngine):
        @override
        async def answer(self, question: Any, evidence: Any) -> Any:
            return
            yield

    async with running(Mute()) as service:
        frames = await read((await service.ask(ask())).cursor)
    assert [entry.type for entry in frames] == ["run_start", "error"]
    assert content(frames[-1])["code"] == "UPSTREAM_TRUNCATED"


async def test_a_run_ends_by_its_own_timeout() -> None:
    engine = ScriptedEngine(gates={1: asyncio.Event()})
    async with running(engine, run_timeout_s=0.05) as service:
        frames = await read((await service.ask(ask())).cursor)
    assert content(frames[-1])["code"] == "TIMEOUT"
    assert engine.closed == 1


async def test_one_active_run_per_conversation_and_owner() -> None:
    gate = asyncio.Event()
    async with running(ScriptedEngine(gates={1: gate})) as service:
        first = await service.ask(ask())
        with pytest.raises(RunInProgress) as refused:
            await service.ask(ask("Another?"))
        assert refused.value.details == {"run_id": first.record.run_id}
        await service.ask(ask(session_id="s2"))
        await service.ask(ask(principal=OTHER))
        gate.set()


async def test_a_question_waits_for_a_run_that_is_just_stopping() -> None:
    class SlowFinish(MemoryRunLog):
        @override
        async def finish(self, outcome: ClosedRun) -> bool:
            await asyncio.sleep(0.1)
            return await super().finish(outcome)

    engine = ScriptedEngine(gates={1: asyncio.Event()})
    async with running(engine, log=SlowFinish()) as service:
        first = await service.ask(ask(on_disconnect="cancel"))
        first.close()
        engine.gates = {}
        frames = await read((await service.ask(ask("Next?"))).cursor)
    assert content(frames[-1])["finish_reason"] == "stop"


async def test_identical_requests_share_one_run() -> None:
    engine = ScriptedEngine()
    async with running(engine) as service:
        many = await asyncio.gather(*(service.ask(ask(key="k")) for _ in range(50)))
        texts = {text_of(await read(handle.cursor)) for handle in many}
        assert {handle.record.run_id for handle in many} == {many[0].record.run_id}
        with pytest.raises(IdempotencyMismatch):
            await service.ask(ask("Something else", key="k"))
    assert texts == {"Nausea is common [1]."}
    assert len(engine.asked) == 1


async def test_limits_per_owner_and_per_process() -> None:
    gate = asyncio.Event()
    async with running(ScriptedEngine(gates={0: gate}), per_owner=1, per_process=2) as service:
        await service.ask(ask())
        with pytest.raises(TooManyRuns):
            await service.ask(ask(session_id="s2"))
        await service.ask(ask(principal=OTHER))
        for key in (None, "a new key"):
            with pytest.raises(ServerBusy):
                await service.ask(ask(principal=Principal("third"), key=key))
        gate.set()


class SearchingEngine(ScriptedEngine):
    """Searches until `found` is set."""

    found: asyncio.Event
    searching: int = 0

    @override
    async def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        self.searching += 1
        try:
            await self.found.wait()
        finally:
            self.searching -= 1
        async with aclosing(super().answer(question, evidence)) as items:
            async for item in items:
                yield item


async def test_so_many_search_at_once_and_the_others_take_turns() -> None:
    model = asyncio.Event()  # a slow model keeps no other run from searching
    engine = SearchingEngine(gates={0: model})
    engine.found = asyncio.Event()
    async with running(engine) as service:
        asked = [
            await service.ask(ask(session_id=f"s{n}")) for n in range(MAX_CONCURRENT_SEARCHES + 3)
        ]
        await until(lambda: engine.searching == MAX_CONCURRENT_SEARCHES)
        last = asked[-1].record.run_id
        assert await service.stop(LOCAL, last) is not None  # a waiting run can be stopped
        await asyncio.sleep(0.02)
        assert engine.searching == MAX_CONCURRENT_SEARCHES
        engine.found.set()
        await until(lambda: len(engine.asked) == MAX_CONCURRENT_SEARCHES + 2)
        assert engine.searching == 0
        model.set()
        frames = [await read(one.cursor) for one in asked]
    assert [text_of(each) for each in frames[:-1]] == ["Nausea is common [1]."] * (
        MAX_CONCURRENT_SEARCHES + 2
    )
    assert content(frames[-1][-1])["finish_reason"] == "stopped"


async def test_runs_of_others_look_unknown() -> None:
    async with running(ScriptedEngine()) as service:
        handle = await service.ask(ask())
        with pytest.raises(NotFound):
            await service.attach(OTHER, handle.record.run_id, after=0)
        with pytest.raises(NotFound):
            await service.stop(OTHER, handle.record.run_id)
        frames = await read(handle.cursor)
    assert content(frames[-1])["finish_reason"] == "stop"


async def test_draining_refuses_questions_and_interrupts_what_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    engine = ScriptedEngine(gates={2: asyncio.Event()})
    async with running(engine) as service:
        handle = await service.ask(ask())
        await read(handle.cursor, upto=4)
        await service.drain(0.05)
        told = "Draining: 1 answer has 0.05 s to finish; a second Ctrl-C ends it now"
        assert told in caplog.messages
        for key in (None, "a new key"):
            with pytest.raises(Draining):
                await service.ask(ask(session_id="s2", key=key))
        cursor = await service.attach(LOCAL, handle.record.run_id, after=0)
        assert cursor is not None
        frames = await read(cursor)
    assert content(frames[-1])["code"] == "INTERRUPTED"
    assert text_of(frames) == "Nausea is"


async def test_an_answer_that_cannot_be_saved_still_reaches_the_viewer_and_is_saved_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Down(MemoryRunLog):
        down = True

        @override
        async def finish(self, outcome: ClosedRun) -> bool:
            if self.down:
                raise StoreUnavailable("down")
            return await super().finish(outcome)

    monkeypatch.setattr("app.runs.producer.UNSAVED_AFTER_S", 0.05)
    monkeypatch.setattr("app.runs.producer.SAVE_RETRY_S", 0.02)
    log = Down()
    async with running(ScriptedEngine(), log=log) as service:
        handle = await service.ask(ask())
        frames = await read(handle.cursor)
        assert content(frames[-1])["saved"] is False
        log.down = False
        async with asyncio.timeout(5):
            while (record := await log.record(LOCAL, handle.record.run_id)) is not None:
                if record.status == "complete":
                    break
                await asyncio.sleep(0.01)
    assert record is not None
    assert record.terminal is not None
    assert content(record.terminal)["saved"] is True


async def test_a_viewer_of_another_process_gets_the_same_stream() -> None:
    log = MemoryRunLog()
    gate = asyncio.Event()
    engine = ScriptedEngine(gates={2: gate})
    async with running(engine, log=log) as one, running(engine, log=log, process_id="p2") as two:
        handle = await one.ask(ask())
        cursor = await two.attach(LOCAL, handle.record.run_id, after=0)
        assert isinstance(cursor, StoredCursor)
        gate.set()
        frames = await read(cursor)
        receipt = await two.stop(LOCAL, handle.record.run_id)
    assert text_of(frames) == "Nausea is common [1]."
    assert frames[-1].type == "done"
    assert receipt is not None
    assert (receipt.stopped, receipt.already) == (False, True)


async def test_stop_from_another_process_is_confirmed_by_the_owner() -> None:
    log = MemoryRunLog()
    engine = ScriptedEngine(gates={2: asyncio.Event()})
    async with running(engine, log=log) as one, running(engine, log=log, process_id="p2") as two:
        handle = await one.ask(ask())
        await read(handle.cursor, upto=4)
        receipt = await two.stop(LOCAL, handle.record.run_id)
    assert receipt is not None
    assert (receipt.stopped, receipt.already, receipt.tokens_kept) == (True, False, 2)


async def test_purged_events_leave_the_whole_text() -> None:
    log = MemoryRunLog()
    engine = ScriptedEngine()
    async with running(engine, log=log) as one, running(engine, log=log, process_id="p2") as two:
        handle = await one.ask(ask())
        await read(handle.cursor)
        await log.purge(ended_before=datetime.now(UTC) + timedelta(hours=1))
        for position in (0, 3):
            cursor = await two.attach(LOCAL, handle.record.run_id, after=position)
            assert cursor is not None
            frames = await read(cursor)
            assert [entry.type for entry in frames] == ["reset", "done"]
            assert content(frames[0])["text"] == "Nausea is common [1]."


async def test_silence_is_told_to_the_encoder() -> None:
    async with running(ScriptedEngine(gates={0: asyncio.Event()})) as service:
        handle = await service.ask(ask())
        seen: list[LogEntry | None] = []
        async for entry in handle.cursor.frames(silence_s=0.02):
            seen.append(entry)
            if entry is None:
                break
    assert seen[-1] is None
    assert len(seen) == 3
