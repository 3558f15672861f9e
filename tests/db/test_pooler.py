"""A pooler that shares sessions is detected before it is used."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asyncpg import exceptions

from app.db import migrations
from app.db.migrations import migrate
from app.db.pool import connect
from app.db.pooler import check_direct
from app.domain.errors import SettingError
from tests.fakes.pooler import TransactionPooler

LOCK = migrations._LOCK


@pytest.fixture
async def pooled(database_dsn: str) -> AsyncIterator[str]:
    """The address of the test's database through a pooler."""
    address, _, query = database_dsn.partition("?host=")
    with tempfile.TemporaryDirectory(prefix="citestream-") as own:
        async with TransactionPooler(Path(query.partition("&")[0]), listen=Path(own)):
            yield f"{address}?host={own}&port=5432&sslmode=disable"


async def test_a_pooler_in_transaction_mode_is_one_line(pooled: str) -> None:
    for _ in range(3):
        with pytest.raises(SettingError, match=r"^DATABASE_URL: got the address of a pooler"):
            await migrate(pooled)


async def test_it_is_found_out_while_others_use_it(pooled: str) -> None:
    busy = await connect(pooled, prepares=False)
    transaction = busy.transaction()
    await transaction.start()
    with pytest.raises(SettingError, match="transaction mode"):
        await migrate(pooled)
    await transaction.rollback()
    await busy.close()


async def test_a_direct_connection_is_none(database_dsn: str) -> None:
    for _ in range(3):
        await check_direct(lambda: connect(database_dsn, prepares=False))
    assert await migrate(database_dsn) == ()


async def test_a_session_lock_that_a_pooler_kept_is_named_instead_of_waited_for(
    pooled: str,
    database_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As left by an earlier version."""
    monkeypatch.setattr(migrations, "_IDLE_S", 0.2)
    monkeypatch.setattr(migrations, "_LOCK_PAUSE_S", 0.1)
    caplog.set_level(logging.INFO)
    gone = await connect(pooled, prepares=False)
    pid = await gone.fetchval("SELECT pg_backend_pid()")
    await gone.execute(f"SELECT pg_advisory_lock({LOCK})")
    await gone.close()
    with pytest.raises(SettingError, match=rf"^DATABASE_URL: .*pg_terminate_backend\({pid}\)"):
        await migrate(database_dsn)
    assert "Waiting for another process that is migrating" in caplog.text
    admin = await connect(database_dsn)
    await admin.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    await admin.close()
    assert await migrate(database_dsn) == ()


async def test_a_process_that_migrates_is_waited_for(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_IDLE_S", 0.2)
    monkeypatch.setattr(migrations, "_LOCK_PAUSE_S", 0.05)
    other = await connect(database_dsn)
    await other.execute(f"SELECT pg_advisory_lock({LOCK})")
    busy = asyncio.ensure_future(other.execute("SELECT pg_sleep(1)"))
    waiting = asyncio.ensure_future(migrate(database_dsn))
    await busy
    await other.execute(f"SELECT pg_advisory_unlock({LOCK})")
    assert await waiting == ()
    await other.close()


async def test_the_pooler_of_the_tests_does_what_it_is_there_for(pooled: str) -> None:
    """It runs statements, but shares sessions, which makes it unsuitable."""
    clients = [await connect(pooled, prepares=False) for _ in range(8)]

    async def work(number: int) -> int:
        async with clients[number].transaction():
            return int(await clients[number].fetchval("SELECT $1::int", number))

    assert await asyncio.gather(*map(work, range(8))) == list(range(8))
    for client in clients:
        await client.close()
    preparing, busy = await connect(pooled), await connect(pooled, prepares=False)
    assert await preparing.fetchval("SELECT 1") == 1
    transaction = busy.transaction()
    await transaction.start()  # in the session that has the statement
    with pytest.raises(exceptions.InvalidSQLStatementNameError):
        await preparing.fetchval("SELECT 1")
    await transaction.rollback()
    for client in (preparing, busy):
        await client.close()
