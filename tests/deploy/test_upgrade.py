"""Migrations while replicas of the previous version are serving, and interrupted migrations."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from app.config import Settings
from app.db import migrations
from app.db.migrations import Migration, known_migrations, migrate
from app.db.pool import connect
from app.domain.errors import SettingError, StoreUnavailable
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually
from tests.harness.run_client import asking, http_client, is_token
from tests.harness.serving import serving
from tests.stream.conftest import QUESTION

WORDS = [f"word{number} " for number in range(300)]
NEXT = len(known_migrations()) + 1
ADDED = """
ALTER TABLE runs ADD COLUMN later text;
ALTER TABLE messages ADD COLUMN later integer NOT NULL DEFAULT 7;
ALTER TABLE run_events ADD COLUMN later text;
ALTER TABLE conversations ADD COLUMN later text;
ALTER TABLE passages ADD COLUMN later text;
CREATE INDEX later_runs ON runs (later);
"""


def with_next(sql: str, *, needs: int = 0) -> Callable[[], tuple[Migration, ...]]:
    """The migrations of the next version."""
    later = Migration(NEXT, f"{NEXT:04}_add_later.sql", sql, needs)
    known = known_migrations()
    return lambda: (*known, later)


async def migrated_by_the_next_version(dsn: str, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    with monkeypatch.context() as next_version:
        next_version.setattr(migrations, "known_migrations", with_next(sql))
        await migrate(dsn)


async def test_two_versions_answer_at_once(
    settings: Settings,
    stocked_dsn: str,
    embedder: MiniLM,
    upstream: FakeOpenAI,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next version migrates during an answer; this one completes it, and can restart."""
    upstream.always(Reply(tokens=WORDS, pace_s=0.002))
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="s") as asked:
            await asked.until(is_token)
            await migrated_by_the_next_version(stocked_dsn, monkeypatch, ADDED)
            assert (await asked.rest()).content["saved"] is True
        assert asked.viewer.text == "".join(WORDS)
        async with asking(http, QUESTION, session_id="s") as next_question:
            assert (await next_question.rest()).content["saved"] is True
    with caplog.at_level(logging.WARNING):
        async with (
            serving(settings, embedder) as server,
            http_client(server.url) as http,
            asking(http, QUESTION, session_id="t") as asked,
        ):
            assert (await asked.rest()).content["saved"] is True
    assert "an upgrade is in progress" in caplog.text


async def test_a_version_that_cannot_go_on_does_not_start(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as next_version:
        dropped = with_next("ALTER TABLE runs DROP COLUMN model", needs=NEXT)
        next_version.setattr(migrations, "known_migrations", dropped)
        await migrate(database_dsn)
    with pytest.raises(SettingError, match="update this installation"):
        await migrate(database_dsn)


def test_a_migration_says_what_it_needs() -> None:
    file = type("File", (), {})()
    file.name = "0042_drop_model.sql"
    file.read_text = lambda encoding: "-- Why.\n-- needs: 41\nALTER TABLE runs DROP COLUMN model;"
    assert migrations._read(file).needs == 41


async def test_a_migration_that_was_interrupted_is_done_again(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is cut: the migration is rolled back, and the next start applies it."""
    slow = f"{ADDED} SELECT pg_sleep(60);"
    monkeypatch.setattr(migrations, "known_migrations", with_next(slow))
    interrupted = asyncio.ensure_future(migrate(database_dsn))
    connection = await connect(database_dsn)

    async def cut() -> bool | None:
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        return True if await connection.fetchval(sql) else None

    await eventually(cut, within_s=10)
    with pytest.raises(StoreUnavailable):
        await interrupted
    column = "SELECT 1 FROM information_schema.columns WHERE column_name = 'later'"
    assert await connection.fetchval(column) is None
    monkeypatch.setattr(migrations, "known_migrations", with_next(ADDED))
    assert len(await migrate(database_dsn)) == 1
    assert await connection.fetchval(column) == 1
    await connection.close()


async def test_a_table_in_use_is_waited_for_without_blocking_others(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(migrations, "known_migrations", with_next(ADDED))
    monkeypatch.setattr(migrations, "_LOCK_WAIT_MS", 50)
    monkeypatch.setattr(migrations, "_LOCK_PAUSE_S", 0.01)
    reader, other = await connect(database_dsn), await connect(database_dsn)
    held = reader.transaction()
    await held.start()
    await reader.fetchval("SELECT count(*) FROM messages")
    migrating = asyncio.ensure_future(migrate(database_dsn))

    async def waited() -> bool | None:
        return "is waiting for a table that is in use" in caplog.text or None

    await eventually(waited, within_s=10)
    assert await other.fetchval("SELECT count(*) FROM messages") == 0
    await held.rollback()
    assert len(await migrating) == 1
    await reader.close()
    await other.close()
