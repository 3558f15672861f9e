"""Migrates a database to the schema of this code: `sql/migrations/NNNN_verb.sql`, in order."""

import asyncio
import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from asyncpg import Connection, exceptions

from app.db.driver_errors import translated
from app.db.pool import Password, connect, reach_vector
from app.db.pooler import check_direct
from app.domain.errors import SettingError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

log = logging.getLogger(__name__)

MIN_POSTGRES = 150_000  # server_version_num
MIN_PGVECTOR = (0, 8, 3)
MIN_PGVECTOR_TEXT = ".".join(map(str, MIN_PGVECTOR))

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
CONNECT_WAIT_S = 15.0  # replicas that restart one by one release their connections
_LOCK_WAIT_MS = 2_000
_LOCK_PAUSE_S = 1.0
_MAX_APPLY_ATTEMPTS = 60
_MAX_LOCK_ATTEMPTS = 600
_LOCK_LOG_EVERY = 10
_IDLE_S = 15  # a migrating session is never idle for this long
_LOCK = 0x6369_7465  # "cite": one process migrates at a time

_CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS needs integer NOT NULL DEFAULT 0
"""
_TABLE = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)
_MISSING_PRIVILEGES = """
SELECT c.relname, privilege
FROM unnest($1::text[]) WITH ORDINALITY AS ours (name, place)
JOIN pg_class c ON c.oid = to_regclass(ours.name)
CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS privilege
WHERE NOT has_table_privilege(c.oid, privilege)
ORDER BY ours.place
"""
_DIGITS = re.compile(r"\d+")
_HAS_LEDGER = """
SELECT to_regclass(quote_ident(current_schema()) || '.schema_migrations') IS NOT NULL
"""
_HOLDER = """
SELECT l.pid,
  CASE WHEN a.state = 'idle' THEN extract(epoch FROM clock_timestamp() - a.state_change)::float8 END
    AS idle_s
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0
  AND l.objid = $1::bigint::oid
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
LIMIT 1
"""
_NEEDS = re.compile(r"^-- needs: (\d+)$", re.MULTILINE)
_VECTOR_VERSIONS = """
SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration. `version` is the number at the start of its file name.

    `needs`, from the line `-- needs: N`: code with fewer migrations cannot run once this one is
    applied. Without that line the migration only adds, and replicas of the former version keep
    working.
    """

    version: int
    name: str
    sql: str
    needs: int = 0


def known_migrations() -> tuple[Migration, ...]:
    """All migrations of this code, in order. Raises `ValueError` for gaps and invalid names."""
    folder = files("app.db") / "sql" / "migrations"
    found = sorted((_read(file) for file in folder.iterdir()), key=lambda m: m.version)
    if [m.version for m in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"Migrations must be numbered 1, 2, 3 …: {[m.name for m in found]}")
    return tuple(found)


def _read(file: "Traversable") -> Migration:
    match = _FILE.fullmatch(file.name)
    if match is None:
        raise ValueError(f"Not a valid migration name: {file.name}")
    sql = file.read_text(encoding="utf-8")
    needs = _NEEDS.search(sql)
    return Migration(int(match[1]), file.name, sql, int(needs[1]) if needs else 0)


async def migrate(
    dsn: str, *, password: Password | None = None, wait_s: float = CONNECT_WAIT_S
) -> tuple[str, ...]:
    """Apply missing migrations, one process at a time; returns the applied names.

    `wait_s`: how long to wait for a free connection.

    Raises `SettingError` for an unusable server (too old, no pgvector, access refused, migrated by
    a newer Citestream), `StoreUnavailable` when it does not respond.
    """
    await check_direct(lambda: connect(dsn, password=password, prepares=False, wait_s=wait_s))
    connection = await connect(dsn, password=password, wait_s=wait_s)
    try:
        with translated(connection.is_closed):
            await _check_schema(connection)
            await _lock(connection)
            await _check_server(connection)
            await reach_vector(connection)
            applied = await _apply(connection, known_migrations())
            await check_privileges(connection)
            return applied
    except exceptions.InsufficientPrivilegeError as error:
        raise SettingError(
            f"DATABASE_URL: got a user without enough rights ({error}), takes the owner of "
            "Citestream's tables and their schema (ALTER TABLE … OWNER TO …), at least while "
            "there are migrations to apply"
        ) from error
    finally:
        await connection.close(timeout=10)


async def _check_schema(connection: Connection) -> None:
    """Tables are in the first schema of the search path; pgvector may be in a later one."""
    if await connection.fetchval("SELECT current_schema()") is None:
        path = await connection.fetchval("SELECT current_setting('search_path')")
        raise SettingError(
            f"DATABASE_URL: got an address whose search path ({path}) has no schema that this user "
            "may use, takes one that has (CREATE SCHEMA …)"
        )


async def _lock(connection: Connection) -> None:
    """Take the migration lock. Raises `SettingError` when the session that holds it is idle.

    A pooler in transaction mode keeps the lock of a client indefinitely.
    """
    holder = None
    for attempt in range(_MAX_LOCK_ATTEMPTS):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        holder = await connection.fetchrow(_HOLDER, _LOCK)
        if holder is not None and (holder["idle_s"] or 0) > _IDLE_S:
            raise _lock_held(holder["pid"], f"idle for {holder['idle_s']:.0f} s")
        if attempt % _LOCK_LOG_EVERY == 0:
            log.info("Waiting for another process that is migrating this database")
        await asyncio.sleep(_LOCK_PAUSE_S)
    raise _lock_held(holder["pid"] if holder else 0, "for ten minutes")


def _lock_held(pid: int, how_long: str) -> SettingError:
    return SettingError(
        f"DATABASE_URL: got a database whose migrations another session holds ({pid}, {how_long}), "
        "takes one that nobody migrates; a pooler in transaction mode keeps that lock: end the "
        f"session with SELECT pg_terminate_backend({pid})"
    )


async def pending(connection: Connection) -> int:
    """The number of migrations not applied yet (for readiness)."""
    return len(known_migrations()) - await _version(connection)


async def _version(connection: Connection) -> int:
    exists = await connection.fetchval(_HAS_LEDGER)
    if not exists:
        return 0
    newest = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_migrations")
    return int(newest)


async def check_privileges(connection: Connection) -> None:
    """Raise `SettingError` when the user may not read and change every table."""
    tables = _TABLE.findall("".join(migration.sql for migration in known_migrations()))
    missing = await connection.fetch(_MISSING_PRIVILEGES, tables)
    if missing:
        names = ", ".join(f"{row['privilege']} on {row['relname']}" for row in missing[:3])
        raise SettingError(
            f"DATABASE_URL: got a user who lacks {names}{' …' if len(missing) > 3 else ''}, takes "
            "one with SELECT, INSERT, UPDATE and DELETE on every table of Citestream"
        )


async def _apply(connection: Connection, known: tuple[Migration, ...]) -> tuple[str, ...]:
    # A user that does not own the tables can still run when no migration is needed.
    if not await connection.fetchval(_HAS_LEDGER):
        await connection.execute(_CREATE_LEDGER)
    version = await _version(connection)
    needs = await connection.fetchval("SELECT coalesce(max(needs), 0) FROM schema_migrations")
    if needs > len(known):
        raise SettingError(
            f"DATABASE_URL: got a database of a newer Citestream (schema {version}), "
            f"takes one of schema {len(known)} or older; update this installation"
        )
    if version > len(known):
        log.warning("The database is newer (schema %d): an upgrade is in progress", version)
    for migration in known[version:]:
        await _apply_one(connection, migration)
        log.info("Applied migration %d of %d, %s", migration.version, len(known), migration.name)
    return tuple(migration.name for migration in known[version:])


async def _apply_one(connection: Connection, migration: Migration) -> None:
    """Apply one migration atomically, with a short lock timeout and retries.

    Statements queue behind one that waits for a table lock: without the timeout, one long query
    would block every running replica.
    """
    for attempt in range(_MAX_APPLY_ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_MS}ms'")
                await connection.execute(migration.sql, timeout=600)
                await connection.execute(
                    "INSERT INTO schema_migrations (version, name, needs) VALUES ($1, $2, $3)",
                    migration.version,
                    migration.name,
                    migration.needs,
                )
        except exceptions.LockNotAvailableError:
            if attempt == _MAX_APPLY_ATTEMPTS - 1:
                raise
            log.warning("Migration %s is waiting for a table that is in use", migration.name)
            await asyncio.sleep(_LOCK_PAUSE_S)
        else:
            return


async def _check_server(connection: Connection) -> None:
    """Require PostgreSQL >= 15 and pgvector >= 0.8.3; create or update pgvector if permitted."""
    number = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
    if number < MIN_POSTGRES:
        raise SettingError(
            f"DATABASE_URL: got PostgreSQL {number // 10_000}, takes PostgreSQL 15 or newer"
        )
    row = await connection.fetchrow(_VECTOR_VERSIONS)
    if row is None:
        raise SettingError(
            "DATABASE_URL: got a PostgreSQL without pgvector, "
            f"takes one with pgvector {MIN_PGVECTOR_TEXT} or newer"
        )
    if is_supported_pgvector(row["installed_version"]):
        return
    if not is_supported_pgvector(row["default_version"]):
        raise SettingError(
            f"DATABASE_URL: got pgvector {row['installed_version'] or row['default_version']}, "
            f"takes pgvector {MIN_PGVECTOR_TEXT} or newer"
        )
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        await connection.execute("ALTER EXTENSION vector UPDATE")
    except exceptions.InsufficientPrivilegeError as error:
        installed = row["installed_version"]
        verb, command = "create", "CREATE EXTENSION vector"
        if installed is not None:
            verb, command = f"update ({installed})", "ALTER EXTENSION vector UPDATE"
        raise SettingError(
            f"DATABASE_URL: got a user that may not {verb} the extension pgvector, takes one that "
            f"may, or a database where an administrator ran {command}"
        ) from error


def is_supported_pgvector(version: str | None) -> bool:
    """From 0.8.3 on; older versions have known vulnerabilities."""
    if version is None:
        return False
    return tuple(int(part) for part in _DIGITS.findall(version)[:3]) >= MIN_PGVECTOR
