"""P8: one question, one run; one conversation, one answer at a time."""

import asyncio
import uuid
from collections import Counter

import httpx
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, http_client, is_token
from tests.harness.serving import Serving, serving_replicas
from tests.stream.abort_kit import WORDS
from tests.stream.conftest import QUESTION

MANY = 50
PACED = Reply(tokens=WORDS[:40], pace_s=0.01)


async def post(http: httpx.AsyncClient, key: str | None = None, **body: object) -> httpx.Response:
    """Reads the whole stream."""
    headers = {"Idempotency-Key": key} if key else {}
    return await http.post("/chat", json={"message": QUESTION, **body}, headers=headers)


@pytest.mark.parametrize("count", [1, 2], ids=["one replica", "two replicas"])
async def test_many_identical_posts_are_one_run(
    count: int, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    upstream.always(PACED)
    async with (
        serving_replicas(settings, embedder, count=count) as servers,
        http_client(servers[0].url) as first,
        http_client(servers[-1].url) as last,
    ):
        answers = await asyncio.gather(
            *(post((first, last)[n % 2], "one", session_id="s1") for n in range(MANY))
        )
        messages = (await first.get("/conversations/s1/messages")).json()["items"]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-run-id"] for answer in answers}) == 1
    assert len({answer.text.rstrip().rpartition("\n\n")[2] for answer in answers}) == 1
    assert len(upstream.requests) == 1
    assert [message["role"] for message in messages] == ["user", "assistant"]


async def test_a_repeat_after_the_end_is_the_same_run(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    async with asking(client, QUESTION, session_id="s1", headers={"Idempotency-Key": "k"}) as one:
        first = await one.rest()
    async with asking(client, QUESTION, session_id="s1", headers={"Idempotency-Key": "k"}) as two:
        again = await two.rest()
    assert (one.run_id, first, one.viewer.text) == (two.run_id, again, two.viewer.text)
    assert two.seen[0].type == "run_start"
    assert len(upstream.requests) == 1


async def test_a_key_without_a_session_is_one_conversation(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, "k") for _ in range(5)))
    assert len({answer.headers["x-session-id"] for answer in answers}) == 1
    assert len((await client.get("/conversations")).json()["items"]) == 1


async def test_another_body_is_refused(client: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    assert (await post(client, "k", session_id="s1")).status_code == 200
    for change in (
        {"message": "And how is it taken?", "session_id": "s1"},
        {"session_id": "s2"},
        {"session_id": "s1", "on_disconnect": "continue"},
        {"session_id": "s1", "filters": {"kinds": ["document"]}},
    ):
        refused = await post(client, "k", **change)
        assert refused.status_code == 422, change
        assert refused.json()["error"]["code"] == "idempotency_mismatch"
    assert len(upstream.requests) == 1


async def test_a_key_is_looked_up_before_the_active_run(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(PACED)
    key = {"Idempotency-Key": "k"}
    async with asking(client, QUESTION, session_id="s1", headers=key) as asked:
        await asked.until(is_token)
        async with asking(client, QUESTION, session_id="s1", headers=key) as again:
            assert again.run_id == asked.run_id
            refused = await post(client, "k", session_id="s1", message="Another")
            assert refused.status_code == 422
            await again.rest()
        await asked.rest()


async def test_a_key_holds_for_its_route(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k"}
    one = await post(client, "k")
    two = await client.post("/api/chat/stream", json={"query": QUESTION}, headers=headers)
    assert one.headers["x-run-id"] != two.headers["x-run-id"]


@pytest.mark.parametrize("count", [1, 2], ids=["one replica", "two replicas"])
async def test_of_many_questions_in_one_conversation_one_is_answered(
    count: int, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=WORDS, pace_s=0.01))
    async with (
        serving_replicas(settings, embedder, count=count) as servers,
        http_client(servers[0].url) as first,
        http_client(servers[-1].url) as last,
    ):
        asking_now = {
            asyncio.ensure_future(
                post((first, last)[n % 2], session_id="s1", message=f"{QUESTION} ({n})")
            )
            for n in range(MANY)
        }
        waiting = set(asking_now)
        while len(waiting) > 1:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await upstream.wait_until(lambda: bool(upstream.requests))
        active = (await first.get("/conversations/s1")).json()["active_run_id"]
        await last.post(f"/runs/{active}/stop")
        answers = await asyncio.gather(*asking_now)
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: 1, 409: MANY - 1}
    for answer in answers:
        if answer.status_code == 200:
            continue
        error = answer.json()["error"]
        assert (error["code"], error["details"]) == ("run_in_progress", {"run_id": active})
    assert len(upstream.requests) == 1


async def test_a_question_right_after_a_stop_waits_for_its_end(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=WORDS, pace_s=0.01), Reply(tokens=["Fine [1]."]))
    async with asking(client, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        await asked.until(is_token)
        stop, answer = await asyncio.gather(
            client.post(f"/runs/{asked.run_id}/stop"), post(client, session_id="s1")
        )
        assert (stop.status_code, answer.status_code) == (200, 200)
        await asked.rest()
    prompt = upstream.requests[-1].prompt
    assert prompt.count(QUESTION) == 2
    assert prompt.count("(This answer was interrupted before it was finished.)") == 1
    assert prompt.count(asked.viewer.text.strip()) == 1


async def test_a_run_id_is_used_once(client: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    run_id = str(uuid.uuid4())
    assert (await post(client, run_id=run_id)).headers["x-run-id"] == run_id
    taken = await post(client, run_id=run_id)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "run_id_taken")
    assert (await post(client, run_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427")).status_code == 422
    assert len(upstream.requests) == 1


async def test_parallel_posts_with_one_run_id(server: Serving, upstream: FakeOpenAI) -> None:
    run_id = str(uuid.uuid4())
    async with http_client(server.url) as http:
        answers = await asyncio.gather(*(post(http, run_id=run_id) for _ in range(10)))
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: 1, 409: 9}
    assert len(upstream.requests) == 1
