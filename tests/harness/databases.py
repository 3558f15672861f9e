"""Databases for tests: copies of a template, restored and reused where possible.

Copying takes a hundred times as long as restoring a used one. A database with a changed schema or
settings, a modified vector index, or that has grown, is dropped instead.
"""

import io
import itertools
from collections import defaultdict
from dataclasses import dataclass

import asyncpg
from asyncpg import exceptions

from app.db.embedded.server import EmbeddedServer
from app.db.pool import connect
from app.domain.errors import SettingError, StoreUnavailable
from tests.fakes.loop_thread import LoopThread

# A third faster than WAL_LOG for a database this small and a server without fsync.
COPIED = "STRATEGY FILE_COPY"
MAX_GROWTH_BYTES = 1 << 19
EMPTY_COPY_BYTES = 21  # header and trailer of a binary copy
TERMINATE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1"
TABLES = """
SELECT c.oid::regclass::text AS name, s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS writes,
  pg_total_relation_size(c.oid) AS bytes,
  EXISTS (
    SELECT FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid JOIN pg_am a ON a.oid = k.relam
    WHERE i.indrelid = c.oid AND a.amname = 'hnsw'
  ) AS approximate
FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid ORDER BY 1
"""
# Everything that a test might change besides rows.
DEFINITIONS = """
SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
  SELECT concat_ws(' ', c.oid::regclass, c.relkind, c.reloptions, c.relacl, c.relowner, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull) AS line
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
  UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint
  UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(' ', proname, md5(prosrc), proacl) FROM pg_proc
    WHERE pronamespace::regnamespace::text = 'public'
  UNION ALL SELECT concat_ws(' ', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_t'
  UNION ALL SELECT concat_ws(' ', extname, extversion) FROM pg_extension
  UNION ALL SELECT concat_ws(' ', d.datacl, d.datconnlimit, s.setrole, s.setconfig)
    FROM pg_database d LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid
    WHERE d.datname = current_database()
) AS lines
"""
SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"


@dataclass(frozen=True)
class State:
    """The state of a fresh copy of a template."""

    definitions: str
    rows: dict[str, bytes]
    sequences: list[asyncpg.Record]
    bytes_used: int


class Databases:
    """Provides databases of one server, each under a new name."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._loop = LoopThread()
        self._loop.start()
        self._admin: asyncpg.Connection = self._loop.run(connect(server.dsn))
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._parked: dict[str, list[str]] = defaultdict(list)
        self._states: dict[str, State] = {}

    def execute(self, statement: str) -> None:
        """Run one statement outside the databases of tests."""
        self._loop.run(self._admin.execute(statement))

    def create(self) -> str:
        """An empty database; returns its name."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name}")
        return name

    def lease(self, template: str) -> str:
        """A database that is like `template`; returns its name."""
        name = next(self._names)
        if self._parked[template]:
            self.execute(f"ALTER DATABASE {self._parked[template].pop()} RENAME TO {name}")
        else:
            self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {COPIED}")
        if template not in self._states:
            self._states[template] = self._loop.run(_state(self._server.dsn_of(name)))
        return name

    def give_back(self, name: str, template: str) -> None:
        """Restore it for another test, or drop it."""
        if self._loop.run(self._restored(name, self._states[template])):
            self._parked[template].append(name)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Terminates remaining connections."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """The databases remain until the server stops."""
        self._loop.run(self._admin.close())
        self._loop.stop()

    async def _restored(self, name: str, state: State) -> bool:
        try:
            await self._admin.fetch(TERMINATE, name)
            connection = await connect(self._server.dsn_of(name))
            try:
                return await _restore(connection, state)
            finally:
                await connection.close()
        except (exceptions.PostgresError, StoreUnavailable, SettingError):
            return False  # unusable: drop it


async def _state(dsn: str) -> State:
    connection = await connect(dsn)
    try:
        tables = await connection.fetch(TABLES)
        rows = {table["name"]: io.BytesIO() for table in tables}
        for name, data in rows.items():
            await connection.copy_from_table(name, output=data, format="binary")
        return State(
            await connection.fetchval(DEFINITIONS),
            {name: data.getvalue() for name, data in rows.items()},
            await connection.fetch(SEQUENCES),
            sum(table["bytes"] for table in tables),
        )
    finally:
        await connection.close()


async def _restore(connection: asyncpg.Connection, state: State) -> bool:
    """Restore the initial rows; false when that would not restore the initial state."""
    tables = await connection.fetch(TABLES)
    grown = sum(table["bytes"] for table in tables) - state.bytes_used
    if grown > MAX_GROWTH_BYTES or any(
        table["approximate"] and table["writes"] for table in tables
    ):
        return False
    if await connection.fetchval(DEFINITIONS) != state.definitions:
        return False
    written = [table["name"] for table in tables if not table["approximate"]]
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(";".join(f"DELETE FROM {name}" for name in written))  # noqa: S608
        for name in written:
            if len(state.rows[name]) > EMPTY_COPY_BYTES:
                data = io.BytesIO(state.rows[name])
                await connection.copy_to_table(name, source=data, format="binary")
        for sequence, last in state.sequences:
            await connection.execute(
                "SELECT setval($1, $2, $3)", sequence, last or 1, last is not None
            )
    return True
