import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import pytest

from app.db import migrations
from app.db.migrations import (
    Migration,
    is_supported_pgvector,
    known_migrations,
    migrate,
    pending,
)
from app.db.pool import connect
from app.domain.errors import SettingError
from tests.db.catalogue import describe

NAMES = tuple(migration.name for migration in known_migrations())


async def described(dsn: str) -> list[str]:
    connection = await connect(dsn)
    try:
        return await describe(connection)
    finally:
        await connection.close()


async def execute(dsn: str, sql: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_the_migrations_make_exactly_the_schema(database_dsn: str, empty_dsn: str) -> None:
    schema = (files("app.db") / "sql" / "schema.sql").read_text()
    await execute(empty_dsn, f"CREATE EXTENSION vector;\n{schema}")
    assert await described(database_dsn) == await described(empty_dsn)
    assert len(await described(empty_dsn)) > 50


async def test_migrating_again_changes_nothing(empty_dsn: str) -> None:
    assert await migrate(empty_dsn) == NAMES
    assert await migrate(empty_dsn) == ()


async def test_processes_that_start_at_once_migrate_once(empty_dsn: str) -> None:
    results = await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
    assert sorted(results) == [(), (), (), NAMES]


async def test_what_is_missing_is_counted(empty_dsn: str) -> None:
    connection = await connect(empty_dsn)
    assert await pending(connection) == len(NAMES)
    await migrate(empty_dsn)
    assert await pending(connection) == 0
    await connection.close()


async def test_a_failing_migration_leaves_the_ones_before(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = migrations.Migration(2, "0002_break.sql", "CREATE TABLE half (); SELECT nonsense;")
    monkeypatch.setattr(migrations, "known_migrations", lambda: (known_migrations()[0], broken))
    with pytest.raises(Exception, match="nonsense"):
        await migrate(empty_dsn)
    connection = await connect(empty_dsn)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await connection.fetchval("SELECT max(version) FROM schema_migrations") == 1
    await connection.close()


async def test_a_newer_database_is_refused(database_dsn: str) -> None:
    later = "INSERT INTO schema_migrations VALUES (9000, '9000_later.sql', now(), 9000)"
    await execute(database_dsn, later)
    with pytest.raises(SettingError, match=r"^DATABASE_URL: got a database of a newer Citestream"):
        await migrate(database_dsn)


async def test_an_old_server_is_refused(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIN_POSTGRES", 990_000)
    with pytest.raises(SettingError, match="takes PostgreSQL 15 or newer"):
        await migrate(empty_dsn)


async def test_an_old_pgvector_is_refused(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIN_PGVECTOR", (99, 0))
    with pytest.raises(
        SettingError, match=r"got pgvector 0\.8\.\d, takes pgvector 0\.8\.3 or newer"
    ):
        await migrate(empty_dsn)


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("0.8.3", True),
        ("0.8.10", True),
        ("0.10.0", True),
        ("1.0", True),
        ("0.9.0-dev", True),
        ("0.8.2", False),
        ("0.8", False),
        ("0.7.4", False),
        (None, False),
    ],
)
def test_pgvector_is_supported_from_0_8_3_on(version: str | None, supported: bool) -> None:
    assert is_supported_pgvector(version) is supported


async def test_an_extension_with_known_holes_is_updated(empty_dsn: str) -> None:
    await execute(empty_dsn, "CREATE EXTENSION vector")
    await execute(
        empty_dsn, "UPDATE pg_extension SET extversion = '0.8.2' WHERE extname = 'vector'"
    )
    await migrate(empty_dsn)
    connection = await connect(empty_dsn)
    installed = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    assert is_supported_pgvector(await connection.fetchval(installed))
    await connection.close()


async def test_a_user_who_may_not_update_the_extension_is_told(empty_dsn: str) -> None:
    database = empty_dsn.partition("@/")[2].partition("?")[0]
    await execute(empty_dsn, f"CREATE ROLE other_{database} LOGIN")
    await execute(empty_dsn, "CREATE EXTENSION vector")
    await execute(
        empty_dsn, "UPDATE pg_extension SET extversion = '0.8.2' WHERE extname = 'vector'"
    )
    with pytest.raises(SettingError, match=r"may not update \(0\.8\.2\).*ALTER EXTENSION vector"):
        await migrate(empty_dsn.replace("citestream@", f"other_{database}@"))
    await execute(empty_dsn, f"DROP ROLE other_{database}")


async def test_an_outdated_extension_is_updated(empty_dsn: str) -> None:
    connection = await connect(empty_dsn)
    await connection.execute("CREATE EXTENSION vector")
    for kind in ("integer", "real", "double precision", "numeric"):  # what 0.8.0 added
        cast = f"CAST ({kind}[] AS sparsevec)"
        function = f"FUNCTION array_to_sparsevec({kind}[], integer, boolean)"
        for added in (cast, function):
            await connection.execute(f"ALTER EXTENSION vector DROP {added}; DROP {added}")
    await connection.execute(
        "UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'"
    )
    await migrate(empty_dsn)
    installed = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    assert await connection.fetchval(installed) >= "0.8"
    await connection.close()


async def test_a_user_without_the_right_is_told(empty_dsn: str) -> None:
    database = empty_dsn.partition("@/")[2].partition("?")[0]
    await execute(empty_dsn, f"CREATE ROLE plain_{database} LOGIN")
    with pytest.raises(SettingError, match="may not create"):
        await migrate(empty_dsn.replace("citestream@", f"plain_{database}@"))
    await execute(empty_dsn, f"DROP ROLE plain_{database}")


@asynccontextmanager
async def guest_of(dsn: str) -> AsyncIterator[tuple[str, str]]:
    """A role that owns nothing: its name, and the address with which it signs in."""
    name = f"guest_{dsn.partition('@/')[2].partition('?')[0]}"
    await execute(dsn, f"CREATE ROLE {name} LOGIN")
    try:
        yield name, dsn.replace("citestream@", f"{name}@")
    finally:
        await execute(dsn, f"DROP OWNED BY {name}")
        await execute(dsn, f"DROP ROLE {name}")


async def test_a_user_who_owns_no_table_works_while_there_is_nothing_to_migrate(
    database_dsn: str,
) -> None:
    tables = "ALL TABLES IN SCHEMA public"
    async with guest_of(database_dsn) as (name, dsn):
        with pytest.raises(SettingError, match=r"^DATABASE_URL: got a user without enough rights"):
            await migrate(dsn)
        await execute(database_dsn, f"GRANT SELECT, INSERT, UPDATE ON {tables} TO {name}")
        with pytest.raises(
            SettingError, match=r"lacks DELETE on conversations, .* …, takes one with SELECT"
        ):
            await migrate(dsn)
        await execute(database_dsn, f"GRANT DELETE ON {tables} TO {name}")
        assert await migrate(dsn) == ()


async def test_a_user_who_may_not_migrate_is_told_in_one_line(
    database_dsn: str, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(empty_dsn, "CREATE EXTENSION vector")
    async with guest_of(empty_dsn) as (_, dsn):
        with pytest.raises(SettingError, match=r"rights \(permission denied for schema public\)"):
            await migrate(dsn)
    later = Migration(len(NAMES) + 1, "9000_later.sql", "ALTER TABLE runs ADD COLUMN x text")
    known = (*known_migrations(), later)
    monkeypatch.setattr(migrations, "known_migrations", lambda: known)
    async with guest_of(database_dsn) as (name, dsn):
        await execute(database_dsn, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
        with pytest.raises(SettingError, match=r"rights \(must be owner of table runs\), takes"):
            await migrate(dsn)


def test_migrations_are_named_and_counted() -> None:
    assert [m.version for m in known_migrations()] == list(range(1, len(NAMES) + 1))
