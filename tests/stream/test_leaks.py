"""P14: disconnected clients leave no resources behind, and readers use few."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually, numbered_words
from tests.harness.run_client import asking, following, http_client, is_token
from tests.harness.serving import Serving, serving
from tests.stream.conftest import QUESTION
from tests.stream.leaks import cycles, rss_mb, settled


@pytest.mark.timeout(120)
async def test_two_hundred_visits_leave_nothing_behind(
    server: Serving, stocked_dsn: str, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runs.kept_runs.KEEP_LIVE_S", 0.1)
    upstream.always(Reply(tokens=numbered_words(400), pace_s=0.01))
    await cycles(server.url, 40)  # lets pools and caches reach their size
    before, before_mb = await settled(server, stocked_dsn), rss_mb()
    await cycles(server.url, 200)
    after = await settled(server, stocked_dsn, like=before)
    assert after == before
    assert after.runs == 0
    assert rss_mb() - before_mb < 30
    assert all(r.finished_at is not None for r in upstream.requests)


@pytest.fixture
async def patient(settings: Settings, embedder: MiniLM) -> AsyncIterator[Serving]:
    """A server that waits for its model as long as the test takes."""
    async with serving(settings.model_copy(update={"idle_timeout_s": 600}), embedder) as running:
        yield running


async def test_streams_hold_no_database_connection(patient: Serving, upstream: FakeOpenAI) -> None:
    """More answers, and more readers, at once than the pool has connections."""
    upstream.always(Reply(tokens=["Nausea", " [1]."], stall_after=1))
    database = patient.runtime.database
    _, _, most = database.usage()

    async def all_idle() -> bool | None:
        size, idle, _ = database.usage()
        return size == idle or None

    async with http_client(patient.url) as http, AsyncExitStack() as streams:
        for _ in range(most + 4):
            asked = await streams.enter_async_context(asking(http, QUESTION))
            await asked.until(is_token)
            read = await streams.enter_async_context(following(http, asked.run_id))
            await read.until(is_token)
        await eventually(all_idle, within_s=10, every_s=0.001)
        assert patient.runtime.services.runs.active == most + 4
        assert (await http.get("/conversations")).status_code == 200
