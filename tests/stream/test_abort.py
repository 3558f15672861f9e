"""P5: stopping closes the model's socket, keeps the partial answer and returns a receipt."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.nginx import nginx
from tests.harness.run_client import asking, following, http_client, is_token, last_answer
from tests.harness.serving import serving, serving_replicas
from tests.stream.abort_kit import (
    LONG_S,
    MOMENTS,
    WORDS,
    Place,
    disconnect_at,
    stop_at,
)
from tests.stream.conftest import QUESTION, app_settings

PLACES = (
    "owner",
    "another replica",
    pytest.param("nginx", marks=pytest.mark.nginx),
    pytest.param("nginx and two replicas", marks=pytest.mark.nginx),
)
IN_THE_MIDDLE = next(moment for moment in MOMENTS if moment.name == "in the middle")


@pytest.fixture(params=PLACES)
async def place(
    request: pytest.FixtureRequest, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> AsyncIterator[Place]:
    """Every way a client may be connected to a run's owner."""
    name = request.param
    async with AsyncExitStack() as stack:
        count = 1 if name in {"owner", "nginx"} else 2
        servers = await stack.enter_async_context(serving_replicas(settings, embedder, count=count))
        urls = [server.url for server in servers]
        if name.startswith("nginx"):
            urls = [stack.enter_context(nginx(*(server.port for server in servers)))]
        ask = await stack.enter_async_context(http_client(urls[0]))
        stop = await stack.enter_async_context(http_client(urls[-1]))
        yield Place(ask, stop, upstream)


async def test_stop(place: Place, subtests: pytest.Subtests) -> None:
    for number, moment in enumerate(MOMENTS):
        place.upstream.clear()
        with subtests.test(moment.name):
            await stop_at(moment, place, f"s{number}")
            await ask_again(place, f"s{number}")
    await place.upstream.wait_until(lambda: no_answer_is_open(place.upstream))


async def ask_again(place: Place, session_id: str) -> None:
    """The stopped turn enters the next prompt once, marked as interrupted."""
    place.upstream.clear()
    place.upstream.always(Reply(tokens=["Nausea [1]."]))
    async with asking(place.ask, QUESTION, session_id=session_id) as asked:
        assert (await asked.rest()).content["finish_reason"] == "stop"
    assert place.upstream.requests[-1].prompt.count("This answer was interrupted") == 1


def no_answer_is_open(upstream: FakeOpenAI) -> bool:
    return all(record.finished_at is not None for record in upstream.requests)


@pytest.mark.parametrize("place", PLACES[::2], indirect=True)
async def test_disconnect(place: Place, subtests: pytest.Subtests) -> None:
    for number, moment in enumerate(MOMENTS):
        place.upstream.clear()
        with subtests.test(moment.name):
            await disconnect_at(moment, place, f"s{number}")


async def test_a_stop_sent_before_its_question(place: Place) -> None:
    run_id = str(uuid.uuid4())
    early = await place.stop.post(f"/runs/{run_id}/stop")
    assert early.status_code == 404
    async with asking(place.ask, QUESTION, session_id="s1", run_id=run_id) as asked:
        terminal = await asked.rest()
    assert [frame.type for frame in asked.seen] == ["run_start", "citations", "done"]
    assert [frame.id for frame in asked.seen] == [1, 2, 3]
    assert terminal.content["finish_reason"] == "stopped"
    assert place.upstream.requests == []
    receipt = (await place.stop.post(f"/runs/{run_id}/stop")).json()
    assert (receipt["stopped"], receipt["upstream_closed"], receipt["tokens_kept"]) == (
        True,
        None,
        0,
    )


async def test_every_viewer_sees_the_stop(place: Place) -> None:
    place.upstream.script(Reply(tokens=WORDS, pace_s=0.01))
    async with (
        asking(place.ask, QUESTION, session_id="s1", on_disconnect="continue") as asked,
        following(place.ask, asked.run_id) as near,
        following(place.stop, asked.run_id) as far,
    ):
        await asked.until(is_token)
        await far.until(is_token)
        await place.stop.post(f"/runs/{asked.run_id}/stop")
        ends = [await viewer.rest() for viewer in (asked, near, far)]
        assert ends[0] == ends[1] == ends[2]
        assert asked.viewer.text == near.viewer.text == far.viewer.text


async def test_a_stop_that_waits_for_the_service_to_be_tried_again(place: Place) -> None:
    place.upstream.always(Reply(status=503, retry_after="4"))
    async with asking(place.ask, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        await place.upstream.wait_for(lambda record: record.finished_at is not None)
        receipt = (await place.stop.post(f"/runs/{asked.run_id}/stop")).json()
        assert (await asked.rest()).content["finish_reason"] == "stopped"
    assert (receipt["stopped"], receipt["upstream_closed"]) == (True, None)
    assert len(place.upstream.requests) == 1


async def test_a_late_stop_never_hits_the_next_run(place: Place) -> None:
    place.upstream.script(Reply(tokens=["One [1]."]), Reply(tokens=WORDS[:40], pace_s=0.01))
    async with asking(place.ask, QUESTION, session_id="s1") as first:
        await first.rest()
    async with asking(place.ask, QUESTION, session_id="s1") as second:
        await second.until(is_token)
        late = (await place.stop.post(f"/runs/{first.run_id}/stop")).json()
        assert (late["stopped"], late["already"]) == (False, True)
        assert (await second.rest()).content["finish_reason"] == "stop"


async def test_many_stops_at_once_are_one(place: Place) -> None:
    place.upstream.script(*IN_THE_MIDDLE.replies)
    async with asking(place.ask, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        await asked.until(is_token)
        stops = [place.stop.post(f"/runs/{asked.run_id}/stop") for _ in range(10)]
        receipts = [(await stop).json() for stop in asyncio.as_completed(stops)]
        await asked.rest()
    assert all(receipt["stopped"] for receipt in receipts)
    assert len({receipt["upstream_closed_ms"] for receipt in receipts}) == 1


async def test_deleting_the_conversation_stops_its_answer(place: Place) -> None:
    place.upstream.script(*IN_THE_MIDDLE.replies)
    async with asking(place.ask, QUESTION, session_id="s1", on_disconnect="continue") as asked:
        await asked.until(is_token)
        assert (await place.stop.delete("/conversations/s1")).status_code == 204
        assert (await asked.rest()).content["finish_reason"] == "stopped"
    assert place.upstream.requests[0].closed_by_client_at is not None


async def test_a_stop_ends_all_searches_that_run_at_the_same_time(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Each search waits for the reranking service on a separate connection."""
    settings = app_settings(
        stocked_dsn,
        upstream,
        tmp_path_factory.mktemp("data"),
        rerank_base_url=upstream.base_url,
        rerank_model="reranker",
    )
    upstream.always(Reply(headers_delay_s=LONG_S), route="rerank")
    question = "What are the side effects of aripiprazole, how is it taken, and is it dangerous?"
    async with (
        serving(settings, embedder) as server,
        http_client(server.url) as http,
        asking(http, question, session_id="s1", on_disconnect="continue") as asked,
    ):
        await upstream.wait_until(lambda: len(upstream.requests) == 3)
        receipt = (await http.post(f"/runs/{asked.run_id}/stop")).json()
        terminal = await asked.rest()
        await upstream.wait_until(lambda: no_answer_is_open(upstream))
    assert {record.route for record in upstream.requests} == {"rerank"}
    assert all(record.closed_by_client_at is not None for record in upstream.requests)
    assert (receipt["stopped"], receipt["upstream_closed"]) == (True, None)
    assert terminal.content["finish_reason"] == "stopped"


async def test_quoting_mode_stops_too(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = app_settings(
        stocked_dsn,
        upstream,
        tmp_path_factory.mktemp("data"),
        llm_provider="extractive",
        extractive_tokens_per_s=20,
    )
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="s1", on_disconnect="continue") as asked:
            await asked.until(is_token)
            receipt = (await http.post(f"/runs/{asked.run_id}/stop")).json()
            await asked.rest()
        assert (receipt["stopped"], receipt["upstream_closed"]) == (True, None)
        assert receipt["upstream_closed_ms"] is None
        answer = await last_answer(http, "s1")
    assert answer["content"] == asked.viewer.text != ""
    assert upstream.requests == []
