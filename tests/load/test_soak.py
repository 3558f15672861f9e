"""P4, P9, P14 at length: `make soak` prints the measurements."""

from pathlib import Path

import httpx
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import numbered_words, processes, server_env
from tests.harness.serving import Serving
from tests.stream.leaks import cycles, rss_mb, settled
from tests.stream.test_crash import kill_often
from tests.stream.test_drain import GRACE_S, drain_under_load

pytestmark = [pytest.mark.faults, pytest.mark.soak]


@pytest.mark.timeout(1800)
async def test_fifty_kills(
    http: httpx.AsyncClient,
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = await kill_often(http, stocked_dsn, upstream, tmp_path, 50)
    ends, lost = zip(*figures, strict=True)
    with capsys.disabled():
        print(  # noqa: T201 - the measurement
            f"\n50 kills, {len(figures)} runs: closed after {min(ends):.1f} to {max(ends):.1f} s, "
            f"text lost: at most {max(lost):.3f} s"
        )
    assert max(ends) < 15
    assert max(lost) <= 1


@pytest.mark.timeout(180)
async def test_a_signal_with_a_hundred_streams(
    http: httpx.AsyncClient,
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(GRACE_S))
    async with processes(1, env, forked=False) as (server,):
        ends, seconds = await drain_under_load(http, server, upstream, 100)
    with capsys.disabled():
        print(  # noqa: T201 - the measurement
            f"\nSIGTERM with 100 streams: {dict(ends)}, gone after {seconds:.1f} s"
        )
    assert seconds < GRACE_S + 5


@pytest.mark.parametrize("visits", [10_000])
@pytest.mark.timeout(3600)
async def test_visits_leave_nothing_behind(
    visits: int,
    server: Serving,
    stocked_dsn: str,
    upstream: FakeOpenAI,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("app.runs.kept_runs.KEEP_LIVE_S", 0.1)
    upstream.keep = 100  # it shares this process
    upstream.always(Reply(tokens=numbered_words(400), pace_s=0.01))
    await cycles(server.url, 1000)
    before, before_mb = await settled(server, stocked_dsn), rss_mb()
    await cycles(server.url, visits)
    after = await settled(server, stocked_dsn, like=before)
    change = (rss_mb() / before_mb - 1) * 100
    with capsys.disabled():
        print(f"\n{visits} visits: {before} -> {after}, memory {change:+.1f} %")  # noqa: T201
    assert after == before
    assert abs(change) < 5
