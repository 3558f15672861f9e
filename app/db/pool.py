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

from app.db.driver_errors import SchemaChanged, schema_may_have_changed, starting, translated
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


async def connect(
    dsn: str, *, password: Password | None = None, prepares: bool = True
) -> Connection:
    """One connection outside any pool, without codecs. The caller closes it.

    `prepares` False: statements have no names, so that a pooler may stand in between.
    Raises `SettingError` when the address is refused, `StoreUnavailable` when nobody answers.
    """
    with starting():
        connection: Connection = await asyncpg.connect(
            dsn,
            password=password,
            timeout=_CONNECT_S,
            command_timeout=_COMMAND_S,
            server_settings={"application_name": "citestream"},
            **({} if prepares else {"statement_cache_size": 0}),
        )
    return connection


async def _prepare(connection: Connection) -> None:
    """Teach a new pool connection our types: jsonb as Python values, vectors as pgvector's."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )
    schema = await connection.fetchval(_VECTOR_SCHEMA)
    if schema is None:  # a restore is under way: without the types nothing could be searched
        raise StoreUnavailable("The database has no pgvector right now.")
    await register_vector(connection, schema=schema)


_VECTOR_SCHEMA = """
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'vector'
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

    def __init__(self, pool: Pool, dial: "Callable[[], Awaitable[Connection]]") -> None:
        self._pool = pool
        self._dial = dial
        self._waited: Callable[[float], None] | None = None
        self._apart: Connection | None = None
        self._one_apart = asyncio.Lock()
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._forgot_at = -math.inf

    @classmethod
    async def open(
        cls, dsn: str, *, password: Password | None = None, max_size: int = POOL_SIZE
    ) -> "Database":
        """Open a pool on the running loop; the database must be migrated already.

        Raises `SettingError` when the address is refused, `StoreUnavailable` when nobody answers.
        """
        pool = asyncpg.create_pool(
            dsn,
            password=password,
            min_size=min(2, max_size),
            max_size=max_size,
            connection_class=_Session,
            init=_prepare,
            command_timeout=_COMMAND_S,
            timeout=_CONNECT_S,
            server_settings={"application_name": "citestream"},
        )
        with starting():
            await pool
        return cls(pool, lambda: connect(dsn, password=password))

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
        return self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()

    async def execute_apart(self, sql: str, *arguments: object, within_s: float) -> None:
        """One statement on a connection that is kept for such alone, however busy the pool is."""
        async with self._one_apart:
            if self._apart is None or self._apart.is_closed():
                self._apart = await self.dedicated()
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

    async def dedicated(self) -> Connection:
        """A connection outside the pool (for LISTEN); the caller closes it."""
        try:
            return await self._dial()
        except SettingError as error:
            raise StoreUnavailable("The database refuses connections right now.") from error

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        """One connection of the pool, for several statements."""
        asked = time.monotonic()
        with translated(self._pool.is_closing):
            # The driver's own time limit takes a task each time.
            async with asyncio.timeout(_CONNECT_S):
                connection = await self._pool.acquire()
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
            with translated(self._pool.is_closing):
                await self._pool.release(connection, timeout=_CONNECT_S)

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
