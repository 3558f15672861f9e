"""P6: disconnecting, stopping and leaving have different effects."""

import asyncio
import logging

import httpx
import orjson
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.runs.tasks import TaskTracker
from tests.fakes.fault_proxy import Cut, FaultProxy
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, following, http_client, is_token, last_answer
from tests.harness.serving import Serving, serving_replicas
from tests.stream.abort_kit import WORDS
from tests.stream.conftest import QUESTION

LONG = Reply(tokens=WORDS, pace_s=0.01)
SHORT = Reply(tokens=WORDS[:60], pace_s=0.01)


async def ended(http: httpx.AsyncClient, run_id: str) -> str:
    """Waits for the finish reason of a run."""
    async with following(http, run_id) as follower:
        return str((await follower.rest()).content["finish_reason"])


async def test_leaving_with_cancel_ends_the_run(
    client: httpx.AsyncClient, upstream: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.script(LONG)
    caplog.set_level(logging.INFO, "app.runs.stop")
    async with asking(client, QUESTION, session_id="s1") as asked:
        await asked.until(is_token)
    assert await ended(client, asked.run_id) == "stopped"
    await upstream.wait_for(lambda record: record.closed_by_client_at is not None)
    answer = await last_answer(client, "s1")
    assert answer["content"].startswith(asked.viewer.text)
    assert f"Stream cancelled by client (run {asked.run_id})" in caplog.messages


@pytest.mark.faults
@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_lost_network_is_a_disconnect(
    server: Serving, upstream: FakeOpenAI, how: Cut
) -> None:
    upstream.script(LONG)
    async with (
        FaultProxy(upstream=("127.0.0.1", server.port)) as proxy,
        http_client(f"http://127.0.0.1:{proxy.port}") as http,
        http_client(server.url) as direct,
    ):
        async with asking(http, QUESTION, session_id="s1") as asked:
            await asked.until(is_token)
            proxy.cut_all(how)
            with pytest.raises(httpx.TransportError):
                await asked.rest()
        assert await ended(direct, asked.run_id) == "stopped"
    assert upstream.requests[0].closed_by_client_at is not None


async def test_leaving_with_continue_lets_the_answer_be_finished(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(SHORT)
    async with asking(client, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        await asked.until(is_token)
    conversation = (await client.get("/conversations/s1")).json()
    assert conversation["active_run_id"] == asked.run_id
    async with following(client, asked.run_id, viewer=asked.viewer) as back:
        assert (await back.rest()).content["finish_reason"] == "stop"
    assert asked.viewer.text == "".join(WORDS[:60])
    assert (await client.get("/conversations/s1")).json()["active_run_id"] is None


async def test_nobody_watches_and_the_answer_is_there_afterwards(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(SHORT)
    async with asking(client, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        pass
    record = await upstream.wait_for(lambda record: record.completed)
    assert record.closed_by_client_at is None
    assert await ended(client, asked.run_id) == "stop"
    assert (await last_answer(client, "s1"))["content"] == "".join(WORDS[:60])


async def test_viewers_by_get_come_and_go_without_counting(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    upstream.script(SHORT)
    async with (
        serving_replicas(settings, embedder, count=2) as (owner, other),
        http_client(owner.url) as here,
        http_client(other.url) as there,
        asking(here, QUESTION, session_id="s1") as asked,
    ):
        for http in (here, there, here):
            async with following(http, asked.run_id) as passing:
                await passing.until(is_token)
        assert (await asked.rest()).content["finish_reason"] == "stop"


async def test_a_viewer_by_get_does_not_keep_a_cancelled_run(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(LONG)
    async with asking(client, QUESTION, session_id="s1") as asked:
        await asked.until(is_token)
        async with following(client, asked.run_id) as viewer:
            await viewer.until(is_token)
            await asked.response.aclose()
            assert (await viewer.rest()).content["finish_reason"] == "stopped"


async def test_the_last_post_with_one_key_decides(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(LONG)
    key = {"Idempotency-Key": "one"}
    async with asking(client, QUESTION, session_id="s1", headers=key) as second:
        async with asking(client, QUESTION, session_id="s1", headers=key) as first:
            await first.until(is_token)
        await second.until(lambda frame: is_token(frame) and frame.id > 40)
        assert upstream.requests[0].closed_by_client_at is None
    assert await ended(client, first.run_id) == "stopped"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(("mode", "reason"), [("cancel", "stopped"), ("continue", "stop")])
async def test_json_disconnects_like_a_stream(
    client: httpx.AsyncClient, upstream: FakeOpenAI, mode: str, reason: str
) -> None:
    upstream.script(SHORT)
    run_id = "0b0a3f0e-8d0c-4b55-9a51-4a5ddcf4a1aa"
    body = {"message": QUESTION, "session_id": "s1", "on_disconnect": mode, "run_id": run_id}
    request = client.build_request(
        "POST", "/chat", json=body, headers={"Accept": "application/json"}
    )
    tasks = TaskTracker()
    waiting = tasks.spawn(client.send(request), name="ask")
    await upstream.wait_for(lambda record: record.tokens_sent >= 5)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert await ended(client, run_id) == reason
    assert (await last_answer(client, "s1"))["status"] == (
        "stopped" if mode == "cancel" else "complete"
    )


async def test_the_named_event_format_disconnects_too(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(LONG)
    body = {"query": QUESTION, "session_id": "s1"}
    async with client.stream("POST", "/api/chat/stream", json=body) as response:
        run_id = response.headers["x-run-id"]
        await upstream.wait_for(lambda record: record.tokens_sent >= 5)
    assert await ended(client, run_id) == "stopped"


async def test_a_client_that_leaves_while_it_asks(
    server: Serving, client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    """The connection ends before the first byte of the answer: the run is found and ended."""
    upstream.always(Reply(headers_delay_s=30))
    run_id = "0b0a3f0e-8d0c-4b55-9a51-4a5ddcf4a1aa"
    body = orjson.dumps({"message": QUESTION, "session_id": "s1", "run_id": run_id})
    head = (
        f"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await eventually_ended(client, run_id) == "stopped"
    async with asking(client, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        await client.post(f"/runs/{asked.run_id}/stop")


async def eventually_ended(http: httpx.AsyncClient, run_id: str) -> str:
    """As `ended`, for a run that may not have started yet."""
    async with asyncio.timeout(5):
        while (await http.get(f"/runs/{run_id}/events")).status_code == 404:
            await asyncio.sleep(0.02)
    return await ended(http, run_id)
