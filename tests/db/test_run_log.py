"""Guarantees of the PostgreSQL run log only; the rest is in the behaviour suite."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.embedded.server import EmbeddedServer
from app.db.listener import Listener
from app.db.migrations import migrate
from app.db.pool import Database
from app.db.run_chunks import to_chunks, to_entries
from app.db.run_log import CHANNEL, PostgresRunLog
from app.domain.errors import StoreUnavailable
from app.domain.events import Token, to_json
from app.runs.clock import SystemClock
from app.runs.log_entries import LogEntry
from app.runs.ports import RESERVE_AHEAD, Batch, DuplicateRequest, Notice
from app.runs.supervisor import Supervisor
from app.runs.tasks import TaskTracker
from tests.unit.runs.test_run_log_behaviour import (
    ANN,
    done,
    lease_of,
    new_run,
    outcome,
    record,
    tokens,
)


def token(seq: int, text: str) -> LogEntry:
    return LogEntry(seq, "token", to_json(Token(content=text, timestamp="t")), text)


async def test_an_ending_whose_confirmation_was_lost_is_confirmed_again(
    postgres_run_log: PostgresRunLog,
) -> None:
    await postgres_run_log.create(new_run())
    end = outcome("run-1", *tokens(1), done(2))
    assert await postgres_run_log.finish(end)
    assert await postgres_run_log.finish(end)
    assert await postgres_run_log.entries("run-1", after=0, limit=9) == end.entries
    other = replace(end, entries=(LogEntry(2, "error", b'{"type":"error"}'),))
    assert not await postgres_run_log.finish(other)


async def test_a_flush_whose_confirmation_was_lost_is_repeated_with_more(
    postgres_run_log: PostgresRunLog,
) -> None:
    await postgres_run_log.create(new_run())
    lost = Batch("run-1", 1, tokens(1, 2), 90)
    more = Batch("run-1", 1, tokens(1, 2, 3), 91)
    assert await postgres_run_log.flush([lost]) == frozenset()
    assert await postgres_run_log.flush([more]) == frozenset()
    assert await postgres_run_log.flush([lost]) == frozenset()  # arrives late
    assert await postgres_run_log.entries("run-1", after=0, limit=9) == tokens(1, 2, 3)
    assert await postgres_run_log.answer_text(ANN, "run-1") == ("123", ())
    assert (await record(postgres_run_log)).head == 3
    assert await postgres_run_log.finish(outcome("run-1", *tokens(1, 2, 3), done(4)))
    assert await postgres_run_log.entries("run-1", after=2, limit=9) == (*tokens(3), done(4))


async def test_a_late_write_of_a_fenced_owner_changes_nothing(
    postgres_run_log: PostgresRunLog,
) -> None:
    await postgres_run_log.create(new_run())
    taken = await postgres_run_log.take_over(
        await lease_of(postgres_run_log, "run-1"), process_id="p2"
    )
    assert taken is not None
    attempts = (
        postgres_run_log.flush([Batch("run-1", 1, tokens(1), RESERVE_AHEAD * 3)]),
        postgres_run_log.finish(outcome("run-1", *tokens(1), done(2), epoch=1)),
    )
    await asyncio.gather(*attempts)
    assert await record(postgres_run_log) == taken
    assert await postgres_run_log.entries("run-1", after=0, limit=9) == ()


async def test_a_stop_and_a_start_at_once_never_miss_each_other(
    postgres_run_log: PostgresRunLog,
) -> None:
    for n in range(20):
        new = new_run(f"run-{n}", session_id=f"s{n}")
        result, _ = await asyncio.gather(
            postgres_run_log.create(new),
            postgres_run_log.request_stop(ANN, new.run_id, at=new.created_at),
        )
        assert not isinstance(result, DuplicateRequest)
        assert (await record(postgres_run_log, new.run_id)).stop_requested


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """A server for this test alone, to be stopped and started."""
    data_dir = Path(tempfile.mkdtemp(prefix="citestream-tests-"))
    data_dir.chmod(0o755)
    server = EmbeddedServer.start(data_dir)
    yield server
    server.release()
    shutil.rmtree(data_dir)


@pytest.mark.faults
async def test_without_the_database_every_method_says_so_and_recovers(
    own_server: EmbeddedServer, tasks: TaskTracker
) -> None:
    await migrate(own_server.dsn)
    database = await Database.open(own_server.dsn)
    notices = Listener(database, channels=(CHANNEL,))
    notices.start(Supervisor(tasks, SystemClock()))
    log = PostgresRunLog(database, notices)
    heard: asyncio.Queue[Notice] = asyncio.Queue()
    log.subscribe(heard.put_nowait)
    await log.create(new_run())
    flush = Batch("run-1", 1, tokens(1), 99)
    await asyncio.to_thread(own_server.halt)
    for _ in range(2):
        for attempt in (
            log.flush([flush]),
            log.finish(outcome()),
            log.create(new_run("run-2")),
            log.beat("p"),
            log.leases(),
            log.record(ANN, "run-1"),
            log.request_stop(ANN, "run-1", at=new_run().created_at),
        ):
            with pytest.raises(StoreUnavailable):
                await attempt
    await asyncio.to_thread(own_server.ensure)
    await notices.ready()
    assert await log.flush([flush]) == frozenset()
    assert await heard.get() == Notice("progress", ("run-1",))
    assert await log.entries("run-1", after=0, limit=9) == tokens(1)
    await notices.close()
    await database.close()


async def test_cancelled_writes_leak_no_connection(
    postgres_run_log: PostgresRunLog, database: Database
) -> None:
    await postgres_run_log.create(new_run())
    for n in range(30):
        work = asyncio.create_task(postgres_run_log.beat(f"p{n}"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    async with asyncio.timeout(5):
        await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.01)") for _ in range(16)))


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=30))
def test_any_events_come_back_from_their_rows(pieces: list[tuple[str, bool]]) -> None:
    seq, given_entries = 0, []
    for text, gap in pieces:
        seq += 2 if gap else 1
        given_entries.append(token(seq, text))
    chunks = list(to_chunks(given_entries))
    read = [entry for chunk in chunks for entry in to_entries(chunk.seq, chunk.data)]
    assert read == given_entries
    assert "".join(chunk.text for chunk in chunks) == "".join(text for text, _ in pieces)
    assert [chunk.last_seq for chunk in chunks if chunk.last_seq < chunk.seq] == []
    assert all(orjson.loads(entry.data) for entry in read)


async def test_the_lease_is_renewed_when_the_pool_is_used_up(
    postgres_run_log: PostgresRunLog, database: Database
) -> None:
    """Every connection is busy: other processes must still see that this one is alive."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(database.usage()[2]):
            await stack.enter_async_context(database.connection())
        async with asyncio.timeout(5):
            await postgres_run_log.beat("busy")
            await postgres_run_log.beat("busy")
    assert await database.fetchval("SELECT beat FROM processes WHERE process_id = 'busy'") == 2


async def test_the_leases_connection_is_made_anew_and_closed(
    postgres_run_log: PostgresRunLog, database: Database
) -> None:
    await postgres_run_log.beat("p")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%processes%'"
    await database.execute(f"{cut} AND pid <> pg_backend_pid()")
    with contextlib.suppress(StoreUnavailable):
        await postgres_run_log.beat("p")
    await postgres_run_log.beat("p")
    database.terminate()
