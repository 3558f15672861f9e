"""Opens the database for a command."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.config import Settings
from app.db.embedded.server import EmbeddedServer
from app.db.lakebase import password_of
from app.db.migrations import migrate
from app.db.pool import Database
from app.domain.encoding import printable

NEW_LIBRARY: Final = (
    "Created a new, empty library in {}. To use another one, set DATA_DIR to its folder."
)


@asynccontextmanager
async def open_database(settings: Settings, *, max_size: int) -> AsyncIterator[Database]:
    """The configured database, or the embedded one, which stops on exit unless it is in use.

    Reports on standard error when the embedded one is new, because `DATA_DIR` may be wrong.
    """
    server: EmbeddedServer | None = None
    if settings.database_url is None:
        server = await asyncio.to_thread(EmbeddedServer.start, settings.data_dir)
        dsn = server.dsn
        if server.is_new:
            folder = settings.data_dir.absolute()
            sys.stderr.write(printable(f"{NEW_LIBRARY.format(folder)}\n", keep="\n"))
    else:
        dsn = settings.database_url.get_secret_value()
    try:
        password = await asyncio.to_thread(password_of, settings.lakebase)
        await migrate(dsn, password=password)
        database = await Database.open(dsn, password=password, max_size=max_size)
        try:
            yield database
        finally:
            await database.close()
    finally:
        if server is not None:
            await asyncio.to_thread(server.release)
