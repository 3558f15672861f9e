"""Checks that the database is reachable, fast, unpooled, writable and migrated."""

import asyncio
import statistics
import time
from contextlib import suppress
from datetime import UTC, datetime

from asyncpg import Connection

from app.config import Settings
from app.db.address import read_address
from app.db.driver_errors import translated
from app.db.embedded.server import EmbeddedServer
from app.db.lakebase import password_of
from app.db.migrations import (
    MIN_PGVECTOR_TEXT,
    is_supported_pgvector,
    known_migrations,
    pending,
)
from app.db.pool import POOL_SIZE, Password, connect
from app.db.pooler import check_direct
from app.doctor.findings import Finding
from app.domain.errors import SettingError, StoreUnavailable

STATEMENTS = 20
SLOW_MS = 20
NOTICE_S = 3.0
CLOCKS_S = 5.0
SERVER = """
SELECT current_setting('server_version') AS version,
  (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vectors,
  (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS offered,
  current_setting('max_connections')::int AS connections,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
  clock_timestamp() AS now
"""
DIRECT = "DATABASE_URL: the address of PostgreSQL itself, or of a pooler in session mode"


async def examine_database(settings: Settings) -> list[Finding]:
    """Joins (or starts) the embedded server when no `DATABASE_URL` is set."""
    server: EmbeddedServer | None = None
    try:
        if settings.database_url is not None:
            dsn = settings.database_url.get_secret_value()
        elif (settings.data_dir / "pg").exists():
            server = await asyncio.to_thread(EmbeddedServer.start, settings.data_dir)
            dsn = server.dsn
        else:
            text = f"none yet in {settings.data_dir}: the first start creates it"
            return [Finding("skip", "database", text)]
        password = await asyncio.to_thread(password_of, settings.lakebase)
        return await _examine(dsn, password, settings.database_pool_size)
    except (SettingError, StoreUnavailable) as error:
        remedy = "DATABASE_URL: takes postgresql://user:password@host:port/database"
        return [Finding("FAIL", "database", str(error), (remedy,))]
    finally:
        if server is not None:
            await asyncio.to_thread(server.release)


async def _examine(dsn: str, password: Password | None, pool_size: int | None) -> list[Finding]:
    pool_size = pool_size or read_address(dsn).pool_size or POOL_SIZE
    await check_direct(lambda: connect(dsn, password=password, prepares=False))
    connection = await connect(dsn, password=password)
    try:
        with translated(connection.is_closed):
            return [
                await _server(connection, pool_size),
                await _notices(dsn, password, connection),
                await _migrations(connection),
            ]
    finally:
        await connection.close(timeout=5)


async def _server(connection: Connection, pool_size: int) -> Finding:
    row = await connection.fetchrow(SERVER)
    durations_ms: list[float] = []
    for _ in range(STATEMENTS):
        began = time.monotonic()
        await connection.fetchval("SELECT 1")
        durations_ms.append((time.monotonic() - began) * 1000)
    median_ms = statistics.median(durations_ms)
    vectors = row["vectors"] or "not installed yet"
    text = f"PostgreSQL {row['version']}, pgvector {vectors}, {median_ms:.1f} ms a statement"
    if row["read_only"]:
        remedy = ("DATABASE_URL: the address of the primary, not of a standby",)
        return Finding("FAIL", "database", f"{text}; it takes no writes", remedy)
    version = row["vectors"] or row["offered"]
    if not is_supported_pgvector(version):
        needed = f"pgvector {MIN_PGVECTOR_TEXT} or newer is needed"
        remedy = (_pgvector_remedy(row["offered"]),)
        return Finding("FAIL", "database", f"{text}; {needed}", remedy)
    skew_s = abs((datetime.now(UTC) - row["now"]).total_seconds())
    if skew_s > CLOCKS_S:
        remedy = ("synchronise the clocks of both machines (chrony, systemd-timesyncd)",)
        return Finding("warn", "database", f"{text}; its clock is {skew_s:.0f} s apart", remedy)
    each_uses = pool_size + 2
    if row["connections"] < 2 * each_uses:
        each = f"one process uses up to {each_uses}"
        remedy = (f"max_connections = {4 * each_uses} or more, or a smaller DATABASE_POOL_SIZE",)
        limit_text = f"{row['connections']} connections at most, {each}"
        return Finding("warn", "database", f"{text}; {limit_text}", remedy)
    if median_ms > SLOW_MS:
        remedy = ("run application and database in one region, without a VPN between them",)
        return Finding("warn", "database", f"{text}: that is slow", remedy)
    return Finding("ok", "database", text)


def _pgvector_remedy(offered: str | None) -> str:
    if is_supported_pgvector(offered):
        return f"ALTER EXTENSION vector UPDATE  # as its owner; this server has {offered}"
    return f"install pgvector {MIN_PGVECTOR_TEXT} or newer on the database server"


async def _notices(dsn: str, password: Password | None, sender: Connection) -> Finding:
    """A pooler in transaction mode accepts LISTEN and then loses every notice."""
    received = asyncio.Event()
    listener = await connect(dsn, password=password)
    try:
        await listener.add_listener("citestream_doctor", lambda *_: received.set())
        await sender.execute("NOTIFY citestream_doctor")
        with suppress(TimeoutError):
            async with asyncio.timeout(NOTICE_S):
                await received.wait()
    finally:
        await listener.close(timeout=5)
    if received.is_set():
        return Finding("ok", "notices", "LISTEN and NOTIFY arrive")
    text = "a NOTIFY did not arrive: there is a pooler in transaction mode in between"
    return Finding("FAIL", "notices", text, (DIRECT,))


async def _migrations(connection: Connection) -> Finding:
    missing, known = await pending(connection), len(known_migrations())
    if missing > 0:
        text = f"{known - missing} of {known} applied: the next start applies the rest"
        return Finding("warn", "migrations", text)
    if missing < 0:
        text = f"the database is {-missing} ahead of this version: finish the upgrade"
        return Finding("warn", "migrations", text)
    return Finding("ok", "migrations", f"{known} of {known} applied")
