"""Through a real nginx with the project's configuration: nothing buffered, nothing lost."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.nginx import nginx
from tests.harness.run_client import asking, following, http_client, is_token
from tests.harness.serving import serving, serving_replicas
from tests.stream.abort_kit import WORDS
from tests.stream.conftest import QUESTION

pytestmark = pytest.mark.nginx

WORD = re.compile(rb"word\d+ ")
COMPRESSING = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
async def proxied(settings: Settings, embedder: MiniLM) -> AsyncIterator[httpx.AsyncClient]:
    """One replica behind nginx, seen by a client that takes compressed answers."""
    async with serving(settings, embedder) as server:
        with nginx(server.port) as url:
            async with http_client(url, headers=COMPRESSING) as http:
                yield http


async def one_by_one(response: httpx.Response, permits: asyncio.Semaphore, count: int) -> None:
    """Reads to the end; the model sends each of `count` words once the previous one was read."""
    permits.release()
    read = 0
    async for chunk in response.aiter_raw():
        words = WORD.findall(chunk) if read < count else ()  # the last events may repeat all words
        assert len(words) <= 1, chunk
        read += len(words)
        if words:
            permits.release()
    assert read == count


async def test_tokens_arrive_one_by_one(proxied: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    """Neither gzip nor buffering may combine them: each arrives in a separate read."""
    permits = asyncio.Semaphore(0)
    upstream.script(Reply(tokens=WORDS[:60], permits=permits))
    async with proxied.stream("POST", "/chat", json={"message": QUESTION}) as response:
        assert "content-encoding" not in response.headers
        assert "x-accel-buffering" not in response.headers, "nginx was meant to take it"
        await one_by_one(response, permits, 60)


@pytest.mark.parametrize("method", ["GET", "named events"])
async def test_the_other_streams_are_not_held_back(
    proxied: httpx.AsyncClient, upstream: FakeOpenAI, method: str
) -> None:
    permits = asyncio.Semaphore(0)
    upstream.script(Reply(tokens=WORDS[:40], permits=permits))
    if method == "named events":
        stream = proxied.stream("POST", "/api/chat/stream", json={"query": QUESTION})
    else:
        async with asking(proxied, QUESTION, on_disconnect="continue") as asked:
            stream = proxied.stream("GET", f"/runs/{asked.run_id}/events")
    async with stream as response:
        await one_by_one(response, permits, 40)


async def test_json_is_compressed(proxied: httpx.AsyncClient) -> None:
    """A compressed response, which proves that gzip is on."""
    async with asking(proxied, QUESTION, session_id="s1") as asked:
        await asked.rest()
    response = await proxied.get("/conversations/s1/messages")
    assert response.headers["content-encoding"] == "gzip"


async def test_closing_the_connection_reaches_the_model(
    proxied: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=WORDS, pace_s=0.01))
    async with asking(proxied, QUESTION) as asked:
        await asked.until(is_token)
    record = await upstream.wait_for(lambda record: record.closed_by_client_at is not None)
    assert not record.completed


async def test_an_error_before_the_stream_keeps_its_reason(proxied: httpx.AsyncClient) -> None:
    refused = await proxied.post("/chat", json={"message": " "})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"] == {"field": "message"}


@pytest.mark.faults
async def test_a_replica_that_is_gone_is_passed_over(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    """Its listener is closed: nginx uses the other replica, also for questions; none is lost."""
    upstream.always(Reply(tokens=["Nausea [1]."]))
    async with serving_replicas(settings, embedder, count=1) as (alive,):
        async with serving(settings, embedder) as gone:
            port = gone.port
        with nginx(port, alive.port) as url:
            async with http_client(url) as http:
                for number in range(4):
                    async with asking(http, QUESTION, session_id=f"s{number}") as asked:
                        assert (await asked.rest()).type == "done"
                    async with following(http, asked.run_id) as again:
                        assert (await again.rest()).type == "done"
    assert len(upstream.requests) == 4
