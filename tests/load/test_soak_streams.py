"""P1 and P5 at full size; prints the measurements."""

import random
import statistics
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.nginx import nginx
from tests.harness.run_client import http_client
from tests.harness.serving import serving_replicas
from tests.stream.abort_kit import MOMENTS, Place, disconnect_at, stop_at
from tests.stream.storm import Size, storm

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

FULL = Size(viewers=20, cuts=50, tokens=3000, pace_s=0.005)
STOPS = 304  # every moment equally often


@pytest.mark.parametrize("way", ["direct", pytest.param("nginx", marks=pytest.mark.nginx)])
@pytest.mark.parametrize("count", [1, 2])
async def test_storm(
    way: str, count: int, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    async with serving_replicas(settings, embedder, count=count) as servers:
        if way == "direct":
            result = await storm(servers, upstream, FULL)
        else:
            with nginx(*(server.port for server in servers)) as url:
                result = await storm(servers, upstream, FULL, urls=[url])
    tell(f"P1 storm, {way}, {count} replicas: {result}")


KINDS = (
    "stop at the owner",
    "stop at another replica",
    "disconnect",
    pytest.param("stop through nginx", marks=pytest.mark.nginx),
    pytest.param("disconnect through nginx", marks=pytest.mark.nginx),
)


@pytest.mark.parametrize("kind", KINDS)
async def test_stops(kind: str, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI) -> None:
    """From sending the stop until the model service sees its socket close."""
    moments = list(MOMENTS) * (STOPS // len(MOMENTS))
    random.Random(5).shuffle(moments)
    closed_ms: list[float] = []
    own_ms: list[float] = []
    count = 2 if kind in {"stop at another replica", "stop through nginx"} else 1
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(serving_replicas(settings, embedder, count=count))
        urls = [server.url for server in servers]
        if kind.endswith("nginx"):
            urls = [stack.enter_context(nginx(*(server.port for server in servers)))]
        ask, stop = [
            await stack.enter_async_context(http_client(url)) for url in (urls[0], urls[-1])
        ]
        place = Place(ask, stop, upstream)
        for number, moment in enumerate(moments):
            upstream.clear()
            if kind.startswith("disconnect"):
                closed_ms.append(await disconnect_at(moment, place, f"s{number}") * 1000)
                continue
            stopped = await stop_at(moment, place, f"s{number}")
            closed_ms.append(stopped.closed_s * 1000)
            own_ms.append(stopped.receipt["upstream_closed_ms"])
    tell(f"P5 {kind}, until the service saw it: {figures(closed_ms)}")
    if own_ms:
        tell(f"P5 {kind}, from the owner's cancel to its socket's end: {figures(own_ms)}")
    assert len(closed_ms) == STOPS


def tell(line: str) -> None:
    """Prints a separate line among the test runner's dots."""
    sys.stdout.write(f"\n{line}\n")


def figures(values: Sequence[float]) -> str:
    """Percentiles in milliseconds."""
    cuts = statistics.quantiles(values, n=100)
    p50, p99 = cuts[49], cuts[98]
    return f"{len(values)}×, p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {max(values):.1f} ms"
