"""Fixtures shared by all rooms: a real PostgreSQL per test session, a fresh database per test."""

import os
from pathlib import Path

from app.server.process import prepare_libraries

TESTS = Path(__file__).resolve().parent
prepare_libraries()
# Tests speak to this machine only. Every new client loads all trusted certificates: one takes 1 ms,
# those of a system 25 ms of processor time.
os.environ["SSL_CERT_FILE"] = str(TESTS / "harness" / "certificate.pem")

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import hypothesis
import pytest

from app.db.embedded.server import EmbeddedServer
from app.db.listener import Listener
from app.db.migrations import migrate
from app.db.pool import Database, connect
from app.db.run_log import CHANNEL, PostgresRunLog
from app.runs.clock import SystemClock
from app.runs.supervisor import Supervisor
from app.runs.tasks import TaskTracker
from tests.harness.databases import Databases

T = TypeVar("T")

# No deadline per example: a busy machine may stall in the middle of one.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


# They spend most of their time in libraries, which counting lines slows down just as much.
# The tests of single rooms cover the same lines.
UNCOUNTED = frozenset({"clients", "deploy", "doctor", "stream"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Exclude the servers of these folders from coverage."""
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in UNCOUNTED:
            item.add_marker(pytest.mark.no_cover)


def _run(work: Coroutine[object, object, T]) -> T:
    """Run to completion on a separate event loop, from any caller."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _execute(dsn: str, *statements: str) -> None:
    connection = await connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """The embedded server of this test session (of this worker); tests may trade safety for time.

    Its folder can be passed by every user, because a server started by root runs as another one.
    """
    data_dir = Path(tempfile.mkdtemp(prefix="citestream-tests-"))
    data_dir.chmod(0o755)
    server = EmbeddedServer.start(data_dir)
    fast = ("fsync", "synchronous_commit", "full_page_writes")
    settings = (f"ALTER SYSTEM SET {name} = off" for name in fast)
    _run(_execute(server.dsn, *settings, "SELECT pg_reload_conf()"))
    yield server
    server.release()
    shutil.rmtree(data_dir)


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedServer) -> Iterator[Databases]:
    """Fresh databases on that server."""
    databases = Databases(postgres)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedServer, databases: Databases) -> str:
    """The name of a migrated database, the template of every test's database."""
    databases.execute("CREATE DATABASE migrated")
    _run(migrate(postgres.dsn_of("migrated")))
    return "migrated"


@pytest.fixture
def database_dsn(
    postgres: EmbeddedServer, databases: Databases, migrated_template: str
) -> Iterator[str]:
    """The address of this test's fresh, migrated database."""
    name = databases.lease(migrated_template)
    yield postgres.dsn_of(name)
    databases.give_back(name, migrated_template)


@pytest.fixture
def empty_dsn(postgres: EmbeddedServer, databases: Databases) -> Iterator[str]:
    """The address of a fresh database without any table."""
    name = databases.create()
    yield postgres.dsn_of(name)
    databases.drop(name)


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """A pool on this test's loop, for its own database."""
    database = await Database.open(database_dsn, max_size=8)
    yield database
    await database.close()


@pytest.fixture
async def tasks() -> AsyncIterator[TaskTracker]:
    """Owns the background tasks of a test."""
    tracker = TaskTracker()
    yield tracker
    await tracker.close()


@pytest.fixture
async def notices(database: Database, tasks: TaskTracker) -> AsyncIterator[Listener]:
    """Already listening to the run log's channel."""
    notices = Listener(database, channels=(CHANNEL,))
    notices.start(Supervisor(tasks, SystemClock()))
    await notices.ready()
    yield notices
    await notices.close()


@pytest.fixture
def postgres_run_log(database: Database, notices: Listener) -> PostgresRunLog:
    """A run log on this test's database."""
    return PostgresRunLog(database, notices)
