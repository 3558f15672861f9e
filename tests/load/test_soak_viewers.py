"""P10 by the clock: how much viewers that never read slow others down (`make soak`)."""

import itertools
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import (
    ViewerProbe,
    ask_and_leave,
    eventually,
    numbered_words,
    processes,
    server_env,
)
from tests.stream.conftest import QUESTION
from tests.stream.test_slow_viewers import DEAF, all_served, deaf_viewer, long_answer

TRIES = 3


async def gap_s(client: httpx.AsyncClient, url: str) -> float:
    """The p99 of the seconds between the frames of one paced answer."""
    run_id, response = await ask_and_leave(client, url, QUESTION)
    probe = ViewerProbe(run_id)
    await probe.read(response)
    await response.aclose()
    assert probe.screen.terminal is not None
    assert probe.screen.terminal.type == "done"
    times = sorted(probe.arrived.values())
    gaps = [after - before for before, after in itertools.pairwise(times)]
    return statistics.quantiles(gaps, n=100)[98]


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_gaps_beside_viewers_that_never_read(
    http: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.script(Reply(tokens=["a long word, " * 1000], length=600))
    upstream.always(Reply(tokens=numbered_words(500), pace_s=0.02))
    async with processes(1, server_env(stocked_dsn, upstream, tmp_path), forked=False) as (server,):
        long = await long_answer(http, server.url)
        alone_s = statistics.median([await gap_s(http, server.url) for _ in range(TRIES)])
        with ExitStack() as deaf:
            viewers = [deaf.enter_context(deaf_viewer(server, long.run_id)) for _ in range(DEAF)]
            await eventually(lambda: all_served(viewers), within_s=60)
            beside_s = statistics.median([await gap_s(http, server.url) for _ in range(TRIES)])
    sys.stdout.write(
        f"\n{DEAF} deaf viewers: somebody else's p99 gap {beside_s * 1000:.1f} ms, "
        f"alone {alone_s * 1000:.1f} ms\n"
    )
    assert beside_s <= 1.2 * alone_s
