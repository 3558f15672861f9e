"""Detects a pooler that shares sessions among connections (transaction or statement mode).

LISTEN, prepared statements and session locks need a session of their own. Behind such a pooler the
server starts and responds, then loses notices, statements and locks. All statements here run in
transactions, which such a pooler keeps together.
"""

import logging
from collections.abc import Awaitable, Callable

from asyncpg import Connection

from app.db.driver_errors import translated
from app.domain.errors import SettingError, StoreUnavailable

log = logging.getLogger(__name__)

_SAMPLES = 3
_STATEMENT_MODE = "statement pooling mode"  # PgBouncer, of any transaction
SHARED = (
    "DATABASE_URL: got the address of a pooler in transaction mode, takes that of PostgreSQL "
    "itself or of a pooler in session mode: LISTEN and prepared statements need a session of "
    "their own (at Neon the host without -pooler, at Supabase port 5432)"
)


async def check_direct(connect: Callable[[], Awaitable[Connection]]) -> None:
    """Raise `SettingError` when connections share a session or a connection changes its session.

    Skipped when the server has no second connection to spare.
    """
    connections = [await connect()]
    try:
        connections.append(await connect())
        shared = await _share_sessions(*connections)
    except StoreUnavailable as error:
        log.debug("The check for a pooler was skipped: %s", error)
        return
    finally:
        for connection in connections:
            connection.terminate()
    if shared:
        raise SettingError(SHARED)


async def _share_sessions(first: Connection, second: Connection) -> bool:
    try:
        with translated(lambda: first.is_closed() or second.is_closed()):
            own = {await _session(first) for _ in range(_SAMPLES)}
            async with second.transaction():
                # A pooler assigns the session that was just released, and another one afterwards.
                other: int = await second.fetchval(_PID)
                own.add(await _session(first))
    except StoreUnavailable as error:
        if _STATEMENT_MODE in str(error.__cause__):
            return True
        raise
    return len(own) > 1 or other in own


async def _session(connection: Connection) -> int:
    async with connection.transaction():
        return int(await connection.fetchval(_PID))


_PID = "SELECT pg_backend_pid()"
