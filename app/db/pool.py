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
"""A callable is asked at each new connection, so a token that expires can be renewed."""

POOL_SIZE = 16
"""Connections per process: five processes stay below the embedded server's 100."""

_COMMAND_S = 30.0
_CONNECT_S = 10.0
_CLOSE_S = 3.0
_LEFT_S = 0.3
_FORGET_EVERY_S = 2.0
_FULL_PAUSE_S = 0.25


async def connect(
    dsn: str, *, password: Password | None = None, prepares: bool = True, wait_s: float = 0.0
) -> Connection:
    """One connection outside any pool, without codecs. The caller closes it.

    `prepares` False: statements have no names, so that a pooler may stand in between. `wait_s`: how
    long a server that has no free connection is waited for.
    Raises `SettingError` when the address is refused, `StoreUnavailable` when nobody answers.
    """
    address = read_address(dsn)
    until = time.monotonic() + wait_s

    async def dial() -> Connection:
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
            return await dial()
        except StoreUnavailable as error:
            if not is_full(error.__cause__) or not wait_s:
                raise
            if time.monotonic() >= until:
                raise SettingError(NO_CONNECTION) from error
        await asyncio.sleep(_FULL_PAUSE_S)


async def _prepare(connection: Connection) -> None:
    """Teach a new pool connection our types: jsonb as Python values, vectors as pgvector's."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )
    schema = await reach_vector(connection)
    if schema is None:  # a restore is under way: without the types nothing could be searched
        raise StoreUnavailable("The database has no pgvector right now.")
    await register_vector(connection, schema=schema)


async def reach_vector(connection: Connection) -> str | None:
    """The schema of pgvector, put on the session's search path; None when it is not installed."""
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
    """Sessions carry no state here (locks and settings end with the transaction)."""

    @override
    def get_reset_query(self) -> str:
        """Nothing to reset: saves a round trip for each use of the pool."""
        return ""


class Database:
    """The pool of the running event loop. Close it on the same loop.

    Hold a connection for one statement or transaction, never across a `yield` to a reader, and
    write from tasks the application owns: a cancelled query in a foreign task scope leaks its
    connection.
    """

    def __init__(
        self, pool: Pool, dial: "Callable[[float], Awaitable[Connection]]", *, max_size: int
    ) -> None:
        self._pool = pool
        self._connect_pool = dial
        self._limit = ConnectionLimit(max_size)
        self._waited: Callable[[float], None] | None = None
        self._apart: Connection | None = None
        self._one_apart = asyncio.Lock()
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._forgot_at = -math.inf

    @classmethod
    async def open(
        cls, dsn: str, *, password: Password | None = None, max_size: int | None = None
    ) -> "Database":
        """Open a pool on the running loop; the database must be migrated already.

        `max_size` unset: what the address says, else `POOL_SIZE`. Raises `SettingError` when the
        address is refused, `StoreUnavailable` when nobody answers.
        """
        address = read_address(dsn)
        most = max_size or address.pool_size or POOL_SIZE

        async def open_pool(size: int) -> Pool:
            pool: Pool = asyncpg.create_pool(
                address.dsn,
                password=password,
                min_size=size,
                max_size=most,
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
            pool = await open_pool(min(2, most))
        except StoreUnavailable as error:
            if not is_full(error.__cause__):
                raise
            pool = await open_pool(1)

        async def dial(wait_s: float) -> Connection:
            return await connect(dsn, password=password, wait_s=wait_s)

        return cls(pool, dial, max_size=most)

    async def close(self) -> None:
        """Wait a moment for the statements under way, then close every connection.

        A loop that ends cancels all its tasks, the driver's own too, which give connections back:
        what nobody uses and does not come back is hardly waited for.
        """
        self._drop_apart()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._unused.wait()
            async with asyncio.timeout(_LEFT_S):
                await self._pool.close()
        except (TimeoutError, OSError, exceptions.PostgresError, exceptions.InterfaceError):
            self._pool.terminate()

    def terminate(self) -> None:
        """Drop every connection now; whoever uses one gets `StoreUnavailable`."""
        self._drop_apart()
        self._pool.terminate()

    def observe_waits(self, waited: Callable[[float], None]) -> None:
        """Tell `waited` the seconds that each use of the pool waited for its connection."""
        self._waited = waited

    def usage(self) -> tuple[int, int, int]:
        """Connections now, idle ones among them, and the most there may be."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._limit.now

    async def execute_dedicated(self, sql: str, *arguments: object, within_s: float) -> None:
        """One statement on a connection that is kept for such alone, however busy the pool is."""
        async with self._one_apart:
            if self._apart is None or self._apart.is_closed():
                try:
                    self._apart = await self.dedicated()
                except StoreUnavailable as error:
                    if not is_full(error.__cause__):
                        raise
                    async with asyncio.timeout(within_s):
                        await self.execute(sql, *arguments)
                    return
            try:
                with translated(self._apart.is_closed):
                    await self._apart.execute(sql, *arguments, timeout=within_s)
            except Exception:
                self._drop_apart()
                raise

    def _drop_apart(self) -> None:
        if self._apart is not None:
            self._apart.terminate()
            self._apart = None

    async def dedicated(self, *, wait_s: float = 0.0) -> Connection:
        """A connection outside the pool, for LISTEN or a session lock; the caller closes it."""
        try:
            return await self._connect_pool(wait_s)
        except SettingError as error:
            raise StoreUnavailable("The database refuses connections right now.") from error

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        """One connection of the pool, for several statements."""
        asked = time.monotonic()
        with translated(self._pool.is_closing):
            # The driver's own time limit takes a task each time.
            async with asyncio.timeout(_CONNECT_S):
                connection = await self._acquire()
        try:
            if self._waited is not None:
                self._waited(time.monotonic() - asked)
            with self._used(), translated(lambda: self._gone(connection)):
                yield connection
        except Exception as error:
            if schema_may_have_changed(error):
                await self._forget()
            raise
        finally:
            try:
                with translated(self._pool.is_closing):
                    await self._pool.release(connection, timeout=_CONNECT_S)
            finally:
                self._limit.leave()

    async def _acquire(self) -> Connection:
        """A connection, after `ConnectionLimit.enter`. One that exists is waited for when the
        server refuses another."""
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

    def _gone(self, connection: Connection) -> bool:
        return bool(self._pool.is_closing() or connection.is_closed())

    async def _forget(self) -> None:
        """Replace every connection when it is next used: each has cached statements and types."""
        now = time.monotonic()
        if now - self._forgot_at > _FORGET_EVERY_S:
            self._forgot_at = now
            await self._pool.expire_connections()

    @contextmanager
    def _used(self) -> "Iterator[None]":
        self._users += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Connection]":
        """One connection in a transaction: committed at the end, rolled back by any exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, sql: str, *arguments: object) -> list[Record]:
        """All rows of one statement."""
        return await self._once_more(lambda connection: connection.fetch(sql, *arguments))

    async def fetchrow(self, sql: str, *arguments: object) -> Record | None:
        """The first row of one statement."""
        return await self._once_more(lambda connection: connection.fetchrow(sql, *arguments))

    async def fetchval(self, sql: str, *arguments: object) -> Any:  # noqa: ANN401 - any SQL value
        """The first column of the first row."""
        return await self._once_more(lambda connection: connection.fetchval(sql, *arguments))

    async def execute(self, sql: str, *arguments: object) -> str:
        """Run one statement; returns its command tag, for example `UPDATE 3`."""
        return await self._once_more(lambda connection: connection.execute(sql, *arguments))

    async def _once_more(self, work: "Callable[[Connection], Awaitable[T]]") -> "T":
        """A statement that was refused because of what the driver had cached did nothing."""
        try:
            async with self.connection() as connection:
                return await work(connection)
        except SchemaChanged:
            async with self.connection() as connection:
                return await work(connection)
