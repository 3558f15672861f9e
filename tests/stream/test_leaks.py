"""P14: whoever walks away leaves nothing behind, and whoever reads holds little."""

from contextlib import AsyncExitStack

import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.following import asking, following, http_client, is_token
from tests.harness.serving import Serving
from tests.harness.witness import eventually, numbered_words
from tests.stream.conftest import QUESTION
from tests.stream.leaks import cycles, rss_mb, settled


async def test_two_hundred_visits_leave_nothing_behind(
    server: Serving, stocked_dsn: str, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runs.service.KEEP_LIVE_S", 0.1)
    upstream.always(Reply(tokens=numbered_words(400), pace_s=0.01))
    await cycles(server.url, 40)  # pools and caches have grown to their size
    before, before_mb = await settled(server, stocked_dsn), rss_mb()
    await cycles(server.url, 200)
    after = await settled(server, stocked_dsn, like=before)
    assert after == before
    assert after.runs == 0
    assert rss_mb() - before_mb < 30
    assert all(r.finished_at is not None for r in upstream.requests)


async def test_streams_hold_no_database_connection(server: Serving, upstream: FakeOpenAI) -> None:
    """More answers, and more readers, at once than the pool has connections."""
    upstream.always(Reply(tokens=["Nausea", " [1]."], stall_after=1))
    database = server.runtime.database
    _, _, most = database.usage()

    async def all_idle() -> bool | None:
        size, idle, _ = database.usage()
        return size == idle or None

    async with http_client(server.url) as http, AsyncExitStack() as streams:
        for _ in range(most + 4):
            asked = await streams.enter_async_context(asking(http, QUESTION))
            await asked.until(is_token)
            read = await streams.enter_async_context(following(http, asked.run_id))
            await read.until(is_token)
        await eventually(all_idle, within_s=10, every_s=0.001)
        assert server.runtime.services.runs.active == most + 4
        assert (await http.get("/conversations")).status_code == 200
