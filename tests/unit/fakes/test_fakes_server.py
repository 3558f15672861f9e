"""The fake OpenAI server as a server: pace, connections, embeddings, separate process."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import httpx
import openai
import orjson
import pytest
from openai import AsyncOpenAI

from tests.fakes.openai_embeddings import embedding
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port

pytestmark = pytest.mark.asyncio

ASKED: dict[str, Any] = {"stream": True, "messages": [{"role": "user", "content": "[1] Tides."}]}


async def test_pace_is_kept_on_average() -> None:
    async with FakeOpenAI() as upstream:
        upstream.script(Reply(tokens=lambda r: [r.prompt[:3]], length=50, pace_s=0.004))
        async with httpx.AsyncClient() as client:
            await client.post(f"{upstream.base_url}/chat/completions", json=ASKED)
        record = upstream.requests[0]
    assert record.first_token_at is not None
    assert record.finished_at is not None
    assert record.tokens_sent == 50
    assert record.finished_at - record.first_token_at >= 48 * 0.004


async def test_embeddings_in_both_encodings_follow_the_words() -> None:
    texts = ["tides follow the moon", "the moon and tides", "sand"]
    async with (
        FakeOpenAI() as upstream,
        AsyncOpenAI(base_url=upstream.base_url, api_key="x", max_retries=0) as client,
    ):
        packed = await client.embeddings.create(model="e", input=texts)
        plain = await client.embeddings.create(model="e", input=texts, encoding_format="float")
        with pytest.raises(openai.BadRequestError):
            await client.embeddings.create(model="e", input=[])
        upstream.script(Reply(status=500), route="embeddings")
        with pytest.raises(openai.InternalServerError):
            await client.embeddings.create(model="e", input="x")
        models = [model.id async for model in client.models.list()]
    vectors = [item.embedding for item in packed.data]
    near, far = (sum(a * b for a, b in zip(vectors[0], v, strict=True)) for v in vectors[1:])
    assert [len(v) for v in vectors] == [384] * 3
    assert near > 0.5 > far
    assert plain.data[0].embedding == embedding(texts[0])
    assert vectors[0] == pytest.approx(plain.data[0].embedding)
    assert models == ["fake"]


async def test_a_closed_port_refuses() -> None:
    with closed_port() as port:
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/v1/models")


async def test_connections_are_reused_and_counted() -> None:
    async with FakeOpenAI() as upstream:
        async with httpx.AsyncClient() as client:
            for _ in range(3):
                await client.post(f"{upstream.base_url}/chat/completions", json=ASKED)
            assert upstream.open_connections == 1
        await upstream.wait_until(lambda: upstream.open_connections == 0)
        assert all(r.completed and r.closed_by_client_at is None for r in upstream.requests)
        with pytest.raises(TimeoutError):
            await upstream.wait_for(lambda r: r.status == 500, timeout_s=0.01)


async def test_two_hundred_streams_at_once_and_their_closes() -> None:
    body = orjson.dumps(ASKED)
    head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    closing: list[asyncio.StreamWriter] = []
    async with FakeOpenAI() as upstream:
        upstream.always(Reply(pace_s=0.01, stall_after=3))
        for _ in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
            writer.write(head + body)
            closing.append(writer)
        await upstream.wait_until(lambda: sum(r.tokens_sent for r in upstream.requests) == 600)
        assert upstream.open_connections == 200
        for writer in closing:
            writer.close()
        await upstream.wait_until(lambda: upstream.open_connections == 0)
    assert all(r.closed_by_client_at is not None for r in upstream.requests)


async def test_as_a_process_with_a_control_route() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.openai_server", "--tokens", "7"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = (await process.stdout.readline()).decode()
        base = httpx.URL(ready.split()[-1])
        async with httpx.AsyncClient(base_url=base.copy_with(path="/")) as client:
            first = await client.post("v1/chat/completions", json=ASKED)
            order = {
                "next": [{"status": 429, "retry_after": "1"}],
                "rules": [{"contains": "nothing like it", "reply": {"status": 500}}],
                "default": {"tokens": ["new"]},
            }
            assert (await client.post("_control", json=order)).status_code == 200
            second = await client.post("v1/chat/completions", json=ASKED)
            third = await client.post("v1/chat/completions", json=ASKED)
            bad = await client.post("_control", json={"next": [{"tokns": []}]})
            state = (await client.get("_records")).json()
    finally:
        process.terminate()
        await process.wait()
    assert first.status_code == 200
    assert (second.status_code, second.headers["retry-after"]) == (429, "1")
    assert '"content":"new"' in third.text
    assert bad.status_code == 400
    assert [r["status"] for r in state["records"]] == [200, 429, 200]
    assert [r["tokens_sent"] for r in state["records"]] == [7, 0, 1]
    assert state["records"][0]["completed"]
    assert state["records"][0]["started_at"] < time.monotonic()
