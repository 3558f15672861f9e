import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from asyncpg import exceptions
from pgvector import SparseVector, Vector

from app.db import pool
from app.db.embedded.server import EmbeddedServer
from app.db.migrations import migrate
from app.db.pool import Database, connect
from app.domain.errors import SettingError, StoreUnavailable


async def test_values_keep_their_types(database: Database) -> None:
    row = await database.fetchrow(
        "SELECT $1::jsonb AS j, $2::vector AS v, $3::sparsevec AS s, $4::timestamptz AS t",
        {"text": "żółw", "list": [1, 2.5, None, True]},
        Vector([1.0, 2.0]),
        SparseVector({3: 0.5}, 10),
        datetime(2026, 11, 20, tzinfo=UTC),
    )
    assert row is not None
    assert row["j"] == {"text": "żółw", "list": [1, 2.5, None, True]}
    assert row["v"] == Vector([1.0, 2.0])
    assert row["s"] == SparseVector({3: 0.5}, 10)
    assert row["t"] == datetime(2026, 11, 20, tzinfo=UTC)


async def test_a_transaction_is_rolled_back_by_any_exception(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO processes VALUES ('p', 1, now())")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await database.fetchval("SELECT count(*) FROM processes") == 0


async def test_a_killed_connection_is_unavailable_and_the_pool_recovers(
    database: Database,
) -> None:
    with pytest.raises(StoreUnavailable):
        await database.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await database.fetchval("SELECT 1") == 1


async def test_no_server_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        await connect("postgresql://x@/x?host=/nonexistent")


@pytest.mark.parametrize(
    "dsn", ["postgresql://citestream@/missing", "mysql://nothing", "postgresql://x:y@h:port/d"]
)
async def test_a_refused_address_is_a_setting_error(postgres: EmbeddedServer, dsn: str) -> None:
    address = f"{dsn}?host={postgres.dsn.partition('?host=')[2]}" if "missing" in dsn else dsn
    with pytest.raises(SettingError, match=r"^DATABASE_URL: "):
        await connect(address)


async def test_mistakes_of_ours_are_not_called_outages(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.fetch("SELECT * FROM nowhere")
    with pytest.raises(asyncpg.DataError):
        await database.fetch("SELECT $1::bigint", "text")


async def test_misuse_of_the_driver_is_not_called_an_outage(database: Database) -> None:
    with pytest.raises(exceptions.InterfaceError, match="expects 1 argument"):
        await database.fetch("SELECT $1::bigint", 1, 2)
    async with database.connection() as connection:
        slow = asyncio.ensure_future(connection.fetchval("SELECT 1 FROM pg_sleep(0.2)"))
        await asyncio.sleep(0)
        with pytest.raises(exceptions.InterfaceError, match="another operation is in progress"):
            await connection.fetchval("SELECT 2")
        assert await slow == 1

    async def nested() -> None:
        async with database.connection() as connection:
            await connection.execute("BEGIN")
            try:
                async with connection.transaction():
                    pass
            finally:
                await connection.execute("ROLLBACK")

    with pytest.raises(exceptions.InterfaceError, match="manually started transaction"):
        await nested()


async def test_a_table_that_is_locked_for_too_long_is_an_outage(database: Database) -> None:
    async def look(lock_timeout_ms: int) -> None:
        async with database.transaction() as waiting:
            await waiting.execute(f"SET LOCAL lock_timeout = {lock_timeout_ms}")
            await waiting.execute("SELECT FROM runs")

    async with database.connection() as locking, locking.transaction():
        await locking.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            await look(50)
    assert await database.fetchval("SELECT count(*) FROM runs") == 0


VECTOR = Vector([0.5, 0.25])


async def test_what_was_cached_of_a_schema_is_forgotten_when_it_is_restored(
    database_dsn: str, database: Database
) -> None:
    """Types have new OIDs afterwards, on every connection that was open before."""

    async def use() -> None:
        await asyncio.gather(
            *(database.fetchval("SELECT 1 FROM pg_sleep(0.05)") for _ in "12345678")
        )
        for _ in range(8):
            assert await database.fetchval("SELECT $1::vector", VECTOR) == VECTOR
        assert await database.fetchval("SELECT count(*) FROM runs") == 0

    await use()
    admin = await connect(database_dsn)
    await admin.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await database.fetchval("SELECT $1::vector", VECTOR)
    await migrate(database_dsn)
    await use()
    await admin.close()


async def test_a_restore_that_nobody_noticed_is_found_out_by_the_first_statement(
    database_dsn: str, database: Database
) -> None:
    assert await database.fetchval("SELECT $1::vector", VECTOR) == VECTOR
    admin = await connect(database_dsn)
    await admin.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await migrate(database_dsn)
    assert await database.fetchval("SELECT $1::vector", VECTOR) == VECTOR
    await admin.execute("ALTER TABLE runs ADD COLUMN next text")
    assert await database.fetch("SELECT * FROM runs") == []
    await admin.execute("ALTER TABLE runs DROP COLUMN next")
    assert await database.fetch("SELECT * FROM runs") == []
    await admin.close()


async def test_statements_that_were_deallocated_are_prepared_anew(database_dsn: str) -> None:
    database = await Database.open(database_dsn, max_size=1)
    assert await database.fetchval("SELECT $1::int", 1) == 1
    await database.execute("DEALLOCATE ALL")
    assert await database.fetchval("SELECT $1::int", 2) == 2
    await database.close()


async def test_a_password_callable_is_asked_for_each_connection(database_dsn: str) -> None:
    asked = []

    async def token() -> str:
        asked.append(1)
        return "secret"

    database = await Database.open(database_dsn, password=token, max_size=2)
    assert await database.fetchval("SELECT 1") == 1
    await database.close()
    assert len(asked) == 2


async def test_a_closed_pool_is_unavailable(database_dsn: str) -> None:
    database = await Database.open(database_dsn, max_size=1)
    await database.close()
    with pytest.raises(StoreUnavailable):
        await database.fetch("SELECT 1")


async def test_closing_waits_for_a_statement_and_not_for_one_whose_loop_ends(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closing loop cancels every task at once, including those that release connections."""
    monkeypatch.setattr(pool, "_CLOSE_S", 600)
    database = await Database.open(database_dsn, max_size=1)
    asking = asyncio.ensure_future(database.fetchval("SELECT 7 FROM pg_sleep(0.2)"))
    await until_busy(database)
    await database.close()
    assert await asking == 7

    database = await Database.open(database_dsn, max_size=1)
    asking = asyncio.ensure_future(database.fetchval("SELECT pg_sleep(600)"))
    await until_busy(database)
    for _ in range(3):
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
    await database.close()
    assert asking.done()


async def until_busy(database: Database) -> None:
    async with asyncio.timeout(10):
        while database.usage()[1]:
            await asyncio.sleep(0)


async def test_what_is_refused_later_is_an_outage(
    postgres: EmbeddedServer, database_dsn: str
) -> None:
    database = await Database.open(database_dsn, max_size=1)
    name = await database.fetchval("SELECT current_database()")
    admin = await connect(postgres.dsn)
    # A database in use cannot be renamed, and the pool reconnects at once.
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    end = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = $1"
    assert await admin.fetch(end, name)
    await admin.execute(f"ALTER DATABASE {name} RENAME TO away")
    await admin.execute("ALTER DATABASE away ALLOW_CONNECTIONS true")
    for attempt in (database.fetchval("SELECT 1"), database.dedicated()):
        with pytest.raises(StoreUnavailable):
            await attempt
    await admin.execute(f"ALTER DATABASE away RENAME TO {name}")
    await admin.close()
    assert await database.fetchval("SELECT 1") == 1
    await database.close()
