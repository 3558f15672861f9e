"""P10: viewers that never read cost only themselves."""

import asyncio
import itertools
import select
import socket
import statistics
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from typing_extensions import override

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.process import ServerProcess
from tests.harness.tries import best_of
from tests.harness.witness import (
    Witness,
    ask_and_leave,
    eventually,
    numbered_words,
    processes,
    server_env,
)
from tests.stream.conftest import QUESTION

pytestmark = [pytest.mark.faults, pytest.mark.timeout(90)]

DEAF = 200
MORE_MB = 64
WORDS = 150
PACE_S = 0.01


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as http:
        yield http


def deaf_viewer(server: ServerProcess, run_id: str) -> socket.socket:
    """Asks for the whole run and never reads a byte of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    request = f"GET /runs/{run_id}/events HTTP/1.1\r\nHost: test\r\n\r\n"
    connection.sendall(request.encode())
    return connection


async def all_served(viewers: list[socket.socket]) -> bool | None:
    """The server has answered each of them, and may go on as far as it will."""
    answered, _, _ = select.select(viewers, [], [], 0)
    return len(answered) == len(viewers) or None


async def gap_s(client: httpx.AsyncClient, url: str) -> float:
    """The p99 of the seconds between the frames of one paced answer."""
    run_id, response = await ask_and_leave(client, url, QUESTION)
    witness = Witness(run_id)
    await witness.read(response)
    await response.aclose()
    assert witness.screen.terminal is not None
    assert witness.screen.terminal.type == "done"
    times = sorted(witness.arrived.values())
    gaps = [after - before for before, after in itertools.pairwise(times)]
    return statistics.quantiles(gaps, n=100)[98]


async def settled_mb(process: psutil.Process) -> float:
    """Resident megabytes once they stopped growing."""
    before, now = -1.0, process.memory_info().rss / 2**20
    async with asyncio.timeout(20):
        while now - before > 0.5:
            await asyncio.sleep(0.5)
            before, now = now, process.memory_info().rss / 2**20
    return float(now)


@dataclass(frozen=True)
class Cost:
    """Of the deaf viewers: megabytes, and the p99 of seconds between somebody else's frames."""

    more_mb: float
    alone_s: float
    beside_s: float

    @override
    def __str__(self) -> str:
        return (
            f"{DEAF} deaf viewers: {self.more_mb:.1f} MB more; somebody else's p99 gap "
            f"{self.beside_s * 1000:.1f} ms, alone {self.alone_s * 1000:.1f} ms"
        )


def bound_s(alone_s: float) -> float:
    """What somebody else's p99 gap has to stay below."""
    return max(0.25, 3 * alone_s)


async def measure(
    client: httpx.AsyncClient, dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> Cost:
    upstream.script(Reply(tokens=["a long word, " * 1000], length=600))
    upstream.always(Reply(tokens=numbered_words(WORDS), pace_s=PACE_S))
    async with processes(1, server_env(dsn, upstream, tmp_path)) as (server,):
        process = psutil.Process(server.pid)
        run_id, response = await ask_and_leave(client, server.url, QUESTION)
        long = Witness(run_id)
        await long.read(response)
        await response.aclose()
        assert len(long.screen.text) > 1_000_000
        alone_s = await gap_s(client, server.url)
        before_mb = await settled_mb(process)
        with ExitStack() as deaf:
            viewers = [deaf.enter_context(deaf_viewer(server, run_id)) for _ in range(DEAF)]
            await eventually(lambda: all_served(viewers), within_s=30)
            after_mb = await settled_mb(process)
            beside_s = await best_of(lambda: gap_s(client, server.url), bound_s(alone_s))
            replay = Witness(run_id)
            await replay.follow(client, server.url)
            assert replay.screen.text == long.screen.text
    return Cost(after_mb - before_mb, alone_s, beside_s)


async def test_two_hundred_viewers_that_never_read(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    cost = await measure(client, stocked_dsn, upstream, tmp_path)
    assert cost.more_mb <= MORE_MB, cost
    assert cost.beside_s < bound_s(cost.alone_s), cost
