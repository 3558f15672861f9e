"""The connection pool of one event loop."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import orjson
from asyncpg import Connection, Pool, Record, exceptions
from pgvector.asyncpg import register_vector
from typing_extensions import override

from app.db.address import read_address
from app.db.connection_limit import ConnectionLimit
from app.db.driver_errors import (
    NO_CONNECTION,
    SchemaChanged,
    is_full,
    schema_may_have_changed,
    starting,
    translated,
)
from app.domain.errors import SettingError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

T = TypeVar("T")

Password = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A callable is called for each new connection, so that an expiring token can be renewed."""

POOL_SIZE = 16
"""Connections per process. Five processes stay below the limit of the embedded server, 100."""

_COMMAND_S = 30.0
_CONNECT_S = 10.0
_CLOSE_S = 3.0
_FORCE_CLOSE_S = 0.3
_EXPIRE_INTERVAL_S = 2.0
_FULL_PAUSE_S = 0.25


async def connect(
    dsn: str, *, password: Password | None = None, prepares: bool = True, wait_s: float = 0.0
) -> Connection:
    """Open one connection outside the pool, without codecs. The caller closes it.

    `prepares` False: use unnamed statements, which work through a pooler. `wait_s`: how long to
    wait for a free connection. Raises `SettingError` when the address is refused,
    `StoreUnavailable` when the server does not respond.
    """
    address = read_address(dsn)
    until = time.monotonic() + wait_s

    async def open_connection() -> Connection:
        with starting():
            connection: Connection = await asyncpg.connect(
                address.dsn,
                password=password,
                timeout=address.connect_s or _CONNECT_S,
                command_timeout=_COMMAND_S,
                **address.keywords(),
                **({} if prepares else {"statement_cache_size": 0}),
            )
        return connection

    while True:
        try:
            return await open_connection()
        except StoreUnavailable as error:
            if not is_full(error.__cause__) or not wait_s:
                raise
            if time.monotonic() >= until:
                raise SettingError(NO_CONNECTION) from error
        await asyncio.sleep(_FULL_PAUSE_S)


async def _prepare(connection: Connection) -> None:
    """Register codecs on a new connection: jsonb as Python values, vectors as pgvector types."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )
    schema = await reach_vector(connection)
    if schema is None:  # a restore is in progress
        raise StoreUnavailable("The database has no pgvector right now.")
    await register_vector(connection, schema=schema)


async def reach_vector(connection: Connection) -> str | None:
    """Put pgvector's schema on the search path and return it; None when not installed."""
    row = await connection.fetchrow(_VECTOR_SCHEMA)
    if row is None:
        return None
    if not row["visible"]:
        await connection.execute(_ADD_TO_PATH, row["schema"])
    return str(row["schema"])


_VECTOR_SCHEMA = """
SELECT n.nspname AS schema, n.nspname = ANY (current_schemas(false)) AS visible
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'vector'
"""
_ADD_TO_PATH = """
SELECT set_config('search_path', concat_ws(', ',
  nullif(current_setting('search_path'), ''), quote_ident($1::text)), false)
"""


class _Session(Connection):
    """A session without state to reset: locks and settings end with the transaction."""

    @override
    def get_reset_query(self) -> str:
        """Return no query, which saves one round trip per use of the pool."""
        return ""


class Database:
    """The connection pool of the running event loop. Close it on the same loop.

    Hold a connection for one statement or transaction, never across a `yield` to a reader. Write
    from tasks that the application owns: a query cancelled in a foreign task scope leaks its
    connection.
    """

    def __init__(
        self,
        pool: Pool,
        open_connection: "Callable[[float], Awaitable[Connection]]",
        *,
        max_size: int,
    ) -> None:
        self._pool = pool
        self._connect_pool = open_connection
        self._limit = ConnectionLimit(max_size)
        self._on_wait: Callable[[float], None] | None = None
        self._dedicated: Connection | None = None
        self._dedicated_lock = asyncio.Lock()
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._expired_at = -math.inf

    @classmethod
    async def open(
        cls, dsn: str, *, password: Password | None = None, max_size: int | None = None
    ) -> "Database":
        """Open a pool on the running loop. The database must already be migrated.

        `max_size` defaults to the limit in the address, else `POOL_SIZE`. Raises `SettingError`
        when the address is refused, `StoreUnavailable` when the server does not respond.
        """
        address = read_address(dsn)
        max_size = max_size or address.pool_size or POOL_SIZE

        async def open_pool(size: int) -> Pool:
            pool: Pool = asyncpg.create_pool(
                address.dsn,
                password=password,
                min_size=size,
                max_size=max_size,
                connection_class=_Session,
                init=_prepare,
                command_timeout=_COMMAND_S,
                timeout=address.connect_s or _CONNECT_S,
                **address.keywords(),
            )
            with starting():
                await pool
            return pool

        try:
            pool = await open_pool(min(2, max_size))
        except StoreUnavailable as error:
            if not is_full(error.__cause__):
                raise
            pool = await open_pool(1)

        async def open_connection(wait_s: float) -> Connection:
            return await connect(dsn, password=password, wait_s=wait_s)

        return cls(pool, open_connection, max_size=max_size)

    async def close(self) -> None:
        """Wait briefly for running statements, then close every connection.

        A closing event loop also cancels the driver's tasks that return connections to the pool, so
        idle connections that were never returned are not waited for.
        """
        self._drop_dedicated()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._idle.wait()
            async with asyncio.timeout(_FORCE_CLOSE_S):
                await self._pool.close()
        except (TimeoutError, OSError, exceptions.PostgresError, exceptions.InterfaceError):
            self._pool.terminate()

    def terminate(self) -> None:
        """Terminate every connection. Their users get `StoreUnavailable`."""
        self._drop_dedicated()
        self._pool.terminate()

    def observe_waits(self, on_wait: Callable[[float], None]) -> None:
        """Call `on_wait` with the seconds that each use of the pool waits for a connection."""
        self._on_wait = on_wait

    def usage(self) -> tuple[int, int, int]:
        """The number of open connections, of idle ones, and the current limit."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._limit.current

    async def execute_dedicated(self, sql: str, *arguments: object, within_s: float) -> None:
        """Run one statement on a reserved connection, independent of the load on the pool."""
        async with self._dedicated_lock:
            if self._dedicated is None or self._dedicated.is_closed():
                try:
                    self._dedicated = await self.dedicated()
                except StoreUnavailable as error:
                    if not is_full(error.__cause__):
                        raise
                    async with asyncio.timeout(within_s):
                        await self.execute(sql, *arguments)
                    return
            try:
                with translated(self._dedicated.is_closed):
                    await self._dedicated.execute(sql, *arguments, timeout=within_s)
            except Exception:
                self._drop_dedicated()
                raise

    def _drop_dedicated(self) -> None:
        if self._dedicated is not None:
            self._dedicated.terminate()
            self._dedicated = None

    async def dedicated(self, *, wait_s: float = 0.0) -> Connection:
        """Open an unpooled connection, for LISTEN or a session lock. The caller closes it."""
        try:
            return await self._connect_pool(wait_s)
        except SettingError as error:
            raise StoreUnavailable("The database refuses connections right now.") from error

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        """Hold one pooled connection for several statements."""
        requested_at = time.monotonic()
        with translated(self._pool.is_closing):
            # The driver's own timeout creates a task for each use.
            async with asyncio.timeout(_CONNECT_S):
                connection = await self._acquire()
        try:
            if self._on_wait is not None:
                self._on_wait(time.monotonic() - requested_at)
            with self._in_use(), translated(lambda: self._is_gone(connection)):
                yield connection
        except Exception as error:
            if schema_may_have_changed(error):
                await self._expire_connections()
            raise
        finally:
            try:
                with translated(self._pool.is_closing):
                    await self._pool.release(connection, timeout=_CONNECT_S)
            finally:
                self._limit.leave()

    async def _acquire(self) -> Connection:
        """Return a connection, after `ConnectionLimit.enter`. Waits for an open one if the server
        refuses another."""
        while True:
            await self._limit.enter()
            try:
                connection: Connection = await self._pool.acquire()
            except Exception as error:
                self._limit.leave()
                if not is_full(error):
                    raise
            except BaseException:
                self._limit.leave()
                raise
            else:
                return connection
            if open_now := self._pool.get_size():
                self._limit.refused(open_now)
            else:
                await asyncio.sleep(_FULL_PAUSE_S)

    def _is_gone(self, connection: Connection) -> bool:
        return bool(self._pool.is_closing() or connection.is_closed())

    async def _expire_connections(self) -> None:
        """Replace each connection at its next use: its cached statements and types are stale."""
        now = time.monotonic()
        if now - self._expired_at > _EXPIRE_INTERVAL_S:
            self._expired_at = now
            await self._pool.expire_connections()

    @contextmanager
    def _in_use(self) -> "Iterator[None]":
        self._users += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Connection]":
        """One connection in a transaction: committed at the end, rolled back on any exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, sql: str, *arguments: object) -> list[Record]:
        """All rows of one statement."""
        return await self._retry_stale(lambda connection: connection.fetch(sql, *arguments))

    async def fetchrow(self, sql: str, *arguments: object) -> Record | None:
        """The first row of one statement."""
        return await self._retry_stale(lambda connection: connection.fetchrow(sql, *arguments))

    async def fetchval(self, sql: str, *arguments: object) -> Any:  # noqa: ANN401 - any SQL value
        """The first column of the first row."""
        return await self._retry_stale(lambda connection: connection.fetchval(sql, *arguments))

    async def execute(self, sql: str, *arguments: object) -> str:
        """Run one statement; returns its command tag, for example `UPDATE 3`."""
        return await self._retry_stale(lambda connection: connection.execute(sql, *arguments))

    async def _retry_stale(self, work: "Callable[[Connection], Awaitable[T]]") -> "T":
        """Retry once after `SchemaChanged`: the rejected statement had no effect."""
        try:
            async with self.connection() as connection:
                return await work(connection)
        except SchemaChanged:
            async with self.connection() as connection:
                return await work(connection)
