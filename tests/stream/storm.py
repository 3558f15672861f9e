"""Viewers whose connections are cut repeatedly, at random bytes, during an answer.

`storm` needs only URLs: one replica, several in turn, or a proxy in front of any number.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from app.db.listener import Listener
from app.db.run_log import PostgresRunLog
from tests.fakes.fault_proxy import FaultProxy, Faults, Flow
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import Following, asking, following, http_client, last_answer
from tests.harness.serving import Serving
from tests.harness.sse import Viewer
from tests.stream.conftest import QUESTION

LOST = (httpx.TransportError, httpx.StreamError)
MAX_CUT_BITS = 13  # 8 KiB: the largest frame here, with its headers, fits


@dataclass(frozen=True)
class Size:
    """The parameters: cuts per viewer, and number and pace of the answer's tokens."""

    viewers: int
    cuts: int
    tokens: int
    pace_s: float


@dataclass
class Weathered:
    """The result of one viewer."""

    viewer: Viewer = field(default_factory=Viewer)
    cuts: int = 0


@dataclass(frozen=True)
class Result:
    """The result of the storm, for the measurements."""

    viewers: int
    cuts: int
    resets: int
    frames: int


def long_answer(size: Size) -> Reply:
    """Distinct tokens in several scripts, with citations in between."""
    marks = ("[1] ", *[""] * 8)
    pieces = [f"piece {n} of the långa 答え 🙂 {marks[n % 9]}" for n in range(size.tokens)]
    return Reply(tokens=pieces, pace_s=size.pace_s)


async def storm(
    servers: Sequence[Serving],
    upstream: FakeOpenAI,
    size: Size,
    *,
    urls: Sequence[str] = (),
    seed: int = 20,
) -> Result:
    """Ask once, watch through cuts, and assert promise P1. `urls` default to the servers'."""
    urls = urls or [server.url for server in servers]
    upstream.script(long_answer(size))
    async with (
        http_client(urls[0]) as http,
        asking(http, QUESTION, session_id="storm", on_disconnect="continue") as asked,
    ):
        watching = (
            _weather(urls, asked.run_id, size.cuts, random.Random(seed * 1000 + number))
            for number in range(size.viewers)
        )
        _, weathered = await asyncio.gather(asked.rest(), asyncio.gather(*watching))
        stored = (await last_answer(http, "storm"))["content"]
    assert asked.viewer.text == stored
    terminal = asked.viewer.terminal
    assert terminal is not None
    for one in weathered:
        assert one.viewer.text == stored
        assert one.viewer.terminal == terminal
        assert one.cuts == size.cuts
    await _contiguous(servers[0], asked.run_id, terminal.id)
    resets = sum(one.viewer.resets for one in weathered)
    return Result(size.viewers, size.cuts * size.viewers, resets, len(asked.seen))


async def _weather(urls: Sequence[str], run_id: str, cuts: int, rng: random.Random) -> Weathered:
    """One viewer: cut that many times, connecting to each URL in turn, then undisturbed."""
    weathered = Weathered()
    async with AsyncExitStack() as stack:
        ways: list[tuple[FaultProxy, httpx.AsyncClient]] = []
        for url in urls:
            port = urlsplit(url).port
            assert port is not None
            proxy = await stack.enter_async_context(FaultProxy(upstream=("127.0.0.1", port)))
            client = await stack.enter_async_context(http_client(f"http://127.0.0.1:{proxy.port}"))
            ways.append((proxy, client))
        attempt = rng.randrange(len(ways))
        while weathered.viewer.terminal is None:
            proxy, client = ways[attempt % len(ways)]
            attempt += 1
            if weathered.cuts < cuts:
                proxy.script(_random_cut(rng))
            try:
                async with following(client, run_id, viewer=weathered.viewer) as follower:
                    await follower.rest()
            except LOST:
                weathered.cuts += 1
    return weathered


def _random_cut(rng: random.Random) -> Faults:
    """A random number of bytes on a logarithmic scale, so that headers are cut too."""
    after = int(2 ** rng.uniform(0, MAX_CUT_BITS))
    # A clean end inside the body is detected too: its length or last chunk is missing.
    return Faults(down=Flow(cut_after=after, cut=rng.choice(("rst", "fin"))))


def run_log_of(server: Serving) -> PostgresRunLog:
    """The durable log itself, beside the server's own."""
    database = server.runtime.database
    return PostgresRunLog(database, Listener(database, channels=()))


async def _contiguous(server: Serving, run_id: str, last: int) -> None:
    """Every number from 1 to the terminal event's was stored once."""
    log = run_log_of(server)
    numbers: list[int] = []
    while page := await log.entries(run_id, after=len(numbers), limit=1000):
        numbers += [entry.seq for entry in page]
    assert numbers == list(range(1, last + 1))


async def resumed_from(http: httpx.AsyncClient, run_id: str, position: int) -> Following:
    """Reads everything from one position."""
    viewer = Viewer(position=position)
    async with following(http, run_id, viewer=viewer) as follower:
        await follower.rest()
    return follower
