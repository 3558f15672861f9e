"""The model transport against a real server: when sockets open, close and are reused."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import openai
import pytest

from app.domain.ports import Upstream, current_upstream
from app.llm.fast_path.aiohttp_transport import AiohttpTransport
from app.llm.model_transport import HttpxTransport
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port

TURNS = 5
"""Of the event loop, for a socket to be closed: no other wait lies between."""


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


TRANSPORTS = [AiohttpTransport, HttpxTransport]


@pytest.fixture(params=TRANSPORTS, ids=["fast", "stock"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    transport: httpx2.AsyncBaseTransport = request.param()
    yield transport
    await transport.aclose()


@pytest.fixture
def seen() -> Upstream:
    return Upstream()


def client(base_url: str, transport: httpx2.AsyncBaseTransport) -> openai.AsyncOpenAI:
    http = httpx2.AsyncClient(transport=transport)
    return openai.AsyncOpenAI(api_key="k", base_url=base_url, http_client=http, max_retries=0)


async def read(api: openai.AsyncOpenAI, seen: Upstream) -> str:
    current_upstream.set(seen)
    stream = await api.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "?"}], stream=True
    )
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(headers_delay_s=60), id="before the headers"),
        pytest.param(Reply(stall_after=0), id="before the first token"),
        pytest.param(Reply(tokens=["a", "b", "c"], stall_after=2), id="mid-answer"),
    ],
)
async def test_cancelling_closes_the_socket_at_once(
    upstream: FakeOpenAI, transport: httpx2.AsyncBaseTransport, seen: Upstream, reply: Reply
) -> None:
    upstream.script(reply)
    task = asyncio.create_task(read(client(upstream.base_url, transport), seen))
    waits_for = reply.stall_after or 0
    await upstream.wait_for(
        lambda r: r.tokens_sent == waits_for and bool(r.first_byte_at or reply.headers_delay_s)
    )
    assert seen.open_sockets == 1
    assert seen.opened_at is not None

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert seen.open_sockets == 0, "it outlived its task"
    assert seen.closed_at is not None

    record = await upstream.wait_for(lambda r: r.closed_by_client_at is not None)
    assert not record.completed


async def test_a_whole_answer_returns_its_connection_for_the_next_one(
    upstream: FakeOpenAI, transport: httpx2.AsyncBaseTransport, seen: Upstream
) -> None:
    api = client(upstream.base_url, transport)
    for _ in range(3):
        assert "".join((await read(api, seen)).split())
    await asyncio.sleep(0)
    assert upstream.open_connections == 1
    assert seen.open_sockets == 0
    assert seen.closed_at is None


async def test_an_answer_cut_by_the_server_counts_as_closed(
    upstream: FakeOpenAI, transport: httpx2.AsyncBaseTransport, seen: Upstream
) -> None:
    upstream.script(Reply(tokens=["a", "b"], cut_after=1, cut="reset"))
    with pytest.raises(openai.APIConnectionError):
        await read(client(upstream.base_url, transport), seen)
    assert seen.open_sockets == 0
    assert seen.closed_at is not None


async def test_two_hundred_streams_at_once(
    upstream: FakeOpenAI, transport: httpx2.AsyncBaseTransport
) -> None:
    upstream.always(Reply(tokens=["a", "b"], first_token_delay_s=0.2))
    api = client(upstream.base_url, transport)
    seen = [Upstream() for _ in range(200)]
    assert await asyncio.gather(*(read(api, each) for each in seen)) == ["ab"] * 200
    assert upstream.open_connections == 200


async def test_a_refused_connection_is_no_timeout(
    transport: httpx2.AsyncBaseTransport, seen: Upstream
) -> None:
    with closed_port() as port, pytest.raises(openai.APIConnectionError) as caught:
        await read(client(f"http://127.0.0.1:{port}/v1", transport), seen)
    assert not isinstance(caught.value, openai.APITimeoutError)
    assert seen.opened_at is None


async def test_a_read_timeout_is_one(
    upstream: FakeOpenAI, transport: httpx2.AsyncBaseTransport
) -> None:
    upstream.script(Reply(stall_after=0))
    api = client(upstream.base_url, transport).with_options(timeout=httpx2.Timeout(None, read=0.05))
    with pytest.raises(openai.APITimeoutError):
        await read(api, Upstream())


@pytest.mark.parametrize("make", TRANSPORTS)
def test_every_event_loop_has_its_own_connections_and_closes_them(
    make: type[AiohttpTransport | HttpxTransport],
) -> None:
    transport = make()

    async def ask_once() -> None:
        async with FakeOpenAI() as upstream:
            assert await read(client(upstream.base_url, transport), Upstream())

    # No aclose: the loop's own shutdown closes what it opened (warnings are errors here).
    asyncio.run(ask_once())
    asyncio.run(ask_once())


async def test_usable_again_after_closing(
    upstream: FakeOpenAI, transport: httpx2.AsyncBaseTransport
) -> None:
    api = client(upstream.base_url, transport)
    assert await read(api, Upstream())
    await transport.aclose()
    await upstream.wait_until(lambda: upstream.open_connections == 0)
    assert await read(api, Upstream())
