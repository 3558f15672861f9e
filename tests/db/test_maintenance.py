"""Maintenance restarts the embedded database and purges deleted rows."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from app.db.embedded.server import EmbeddedServer
from app.db.library_store import LibraryStore
from app.db.migrations import migrate
from app.db.pool import Database
from app.domain.errors import StoreUnavailable
from app.domain.library_ports import Discard
from app.domain.models import StoredFile
from app.runs.clock import SystemClock
from app.runs.supervisor import Supervisor
from app.runs.tasks import TaskTracker
from app.server.maintenance import maintenance_loops
from tests.db.library import ANA, new_source, store

INSERT = """
INSERT INTO conversations
  (owner_id, session_id, title, filters, created_at, updated_at, deleted_at)
VALUES ('local', $1, '', '{}', now(), now(), $2)
"""


class Hurried(SystemClock):
    """Hours pass between two checks."""

    looks = 0

    @override
    async def sleep(self, seconds: float) -> None:
        self.looks += 1
        await asyncio.sleep(0.02)

    @override
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self.looks)


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    data_dir = Path(tempfile.mkdtemp(prefix="citestream-upkeep-"))
    data_dir.chmod(0o755)
    server = EmbeddedServer.start(data_dir)
    yield server
    server.release()
    shutil.rmtree(data_dir)


def look_after(
    tasks: TaskTracker,
    database: Database,
    *,
    restart: Callable[[], None] | None,
    clock: SystemClock,
    discard: Discard | None = None,
) -> None:
    supervisor = Supervisor(tasks, clock)
    for loop in maintenance_loops(database, restart=restart, clock=clock, discard=discard):
        supervisor.start(loop)


@pytest.mark.faults
async def test_a_database_that_died_is_started_again(
    own_server: EmbeddedServer, tasks: TaskTracker
) -> None:
    await migrate(own_server.dsn)
    database = await Database.open(own_server.dsn, max_size=2)
    try:
        await asyncio.to_thread(own_server.halt)
        with pytest.raises(StoreUnavailable):
            await database.fetchval("SELECT 1")
        look_after(tasks, database, restart=own_server.ensure, clock=Hurried())
        async with asyncio.timeout(15):
            while True:
                try:
                    assert await database.fetchval("SELECT 1") == 1
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
    finally:
        await tasks.close()
        await database.close()


async def test_a_deleted_conversation_is_forgotten_in_time(
    database: Database, tasks: TaskTracker
) -> None:
    await database.execute(INSERT, "deleted", datetime.now(UTC))
    await database.execute(INSERT, "kept", None)
    look_after(tasks, database, restart=None, clock=Hurried())
    async with asyncio.timeout(15):
        while await database.fetchval("SELECT count(*) FROM conversations") > 1:
            await asyncio.sleep(0.02)
    assert await database.fetchval("SELECT session_id FROM conversations") == "kept"
    await tasks.close()


async def test_a_deleted_source_is_forgotten_in_time_with_its_files(
    database: Database, tasks: TaskTracker
) -> None:
    library = LibraryStore(database)
    now = datetime.now(UTC)
    file = StoredFile("0" * 64 + ".md", "text/markdown")
    source_id = await store(library, "Tea.", source=replace(new_source(), original=file), now=now)
    await store(library, "Coffee.", source=new_source("coffee.md"), now=now)
    await library.delete(ANA, source_id, at=now)
    discarded: list[str] = []

    async def discard(keys: Sequence[str]) -> None:
        discarded.extend(keys)

    look_after(tasks, database, restart=None, clock=Hurried(), discard=discard)
    async with asyncio.timeout(15):
        while not discarded:  # after the commit that removes the row
            await asyncio.sleep(0.02)
    assert await database.fetchval("SELECT count(*) FROM sources") == 1
    assert discarded == [file.key]
    await tasks.close()
