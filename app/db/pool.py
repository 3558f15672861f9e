"""The connection pool of one event loop, and the one place where driver errors become ours."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from asyncpg import Connection, Pool, Record, exceptions
from pgvector.asyncpg import register_vector
from typing_extensions import override

from app.domain.errors import SettingError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

Password = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A callable is asked at each new connection, so a token that expires can be renewed."""

POOL_SIZE = 16
"""Connections per process: five processes stay below the embedded server's 100."""

_COMMAND_S = 30.0
_CONNECT_S = 10.0
_CLOSE_S = 3.0
_LEFT_S = 0.3

_UNAVAILABLE = (
    exceptions.PostgresConnectionError,
    exceptions.OperatorInterventionError,  # shutting down, starting up, cancelled
    exceptions.InsufficientResourcesError,  # disk full, out of memory, too many connections
    exceptions.TransactionRollbackError,  # deadlock, serialisation: trying again works
    exceptions.ReadOnlySQLTransactionError,  # a failover is under way
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.InterfaceError,
    exceptions.InternalClientError,
    OSError,
    TimeoutError,
)
_REFUSED = (
    exceptions.InvalidAuthorizationSpecificationError,
    exceptions.InvalidCatalogNameError,
    exceptions.ClientConfigurationError,
)


class SchemaChanged(StoreUnavailable):
    """A migration changed a table under a prepared statement; the next attempt works."""


@contextmanager
def translated() -> "Iterator[None]":
    """Make driver errors that trying again may mend `StoreUnavailable`; let the others through."""
    try:
        yield
    except exceptions.DataError:
        raise
    except exceptions.InvalidCachedStatementError as error:
        raise SchemaChanged("The database is being upgraded.") from error
    except (*_UNAVAILABLE, *_REFUSED) as error:
        raise StoreUnavailable("The database cannot be reached right now.") from error


@contextmanager
def _starting() -> "Iterator[None]":
    """As `translated`, but an address that is refused or cannot be read is a wrong setting.

    Later the same refusal is an outage: a token that is being renewed, a server that moves.
    """
    try:
        with translated():
            yield
    except StoreUnavailable as error:
        if isinstance(error.__cause__, _REFUSED):
            raise _refused(error.__cause__) from error
        raise
    except ValueError as error:
        raise _refused(error) from error


def _refused(error: BaseException) -> SettingError:
    return SettingError(
        "DATABASE_URL: got an address, user, password or database that is refused "
        f"({type(error).__name__}), takes postgresql://user:password@host:port/database"
    )


async def connect(dsn: str, *, password: Password | None = None) -> Connection:
    """One connection outside any pool, without codecs. The caller closes it.

    Raises `SettingError` when the address is refused, `StoreUnavailable` when nobody answers.
    """
    with _starting():
        connection: Connection = await asyncpg.connect(
            dsn,
            password=password,
            timeout=_CONNECT_S,
            command_timeout=_COMMAND_S,
            server_settings={"application_name": "citestream"},
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
    if schema is not None:
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
        with _starting():
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
        except _UNAVAILABLE:
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
                with translated():
                    await self._apart.execute(sql, *arguments, timeout=within_s)
            except StoreUnavailable:
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
        with translated():
            asked = time.monotonic()
            # The driver's own time limit takes a task each time.
            async with asyncio.timeout(_CONNECT_S):
                connection = await self._pool.acquire()
            try:
                if self._waited is not None:
                    self._waited(time.monotonic() - asked)
                with self._used():
                    yield connection
            finally:
                await self._pool.release(connection, timeout=_CONNECT_S)

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
        async with self.connection() as connection:
            return await connection.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: object) -> Record | None:
        """The first row of one statement."""
        async with self.connection() as connection:
            row: Record | None = await connection.fetchrow(sql, *arguments)
        return row

    async def fetchval(self, sql: str, *arguments: object) -> Any:  # noqa: ANN401 - any SQL value
        """The first column of the first row."""
        async with self.connection() as connection:
            return await connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> str:
        """Run one statement; returns its command tag, for example `UPDATE 3`."""
        async with self.connection() as connection:
            return await connection.execute(sql, *arguments)
