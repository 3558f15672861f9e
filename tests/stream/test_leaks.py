"""P14: whoever walks away leaves nothing behind."""

import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.serving import Serving
from tests.harness.witness import numbered_words
from tests.stream.leaks import cycles, rss_mb, settled


@pytest.mark.timeout(60)
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
