"""P1, P3: after any connection loss every viewer has all text exactly once, in order."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.event_source import EventSource
from tests.harness.nginx import nginx
from tests.harness.run_client import asking, following, http_client, is_token, last_answer
from tests.harness.serving import Serving, serving, serving_replicas
from tests.harness.sse import Viewer, parse
from tests.stream.conftest import QUESTION, app_settings
from tests.stream.storm import Size, resumed_from, storm

SMALL = Size(viewers=8, cuts=10, tokens=700, pace_s=0.003)
"""Of the same kind as the full storm of `make soak`, in a few seconds."""


@pytest.mark.faults
@pytest.mark.timeout(90)  # seconds of CPU time, shared with three other tests and other machines
@pytest.mark.parametrize("count", [1, 2], ids=["one replica", "two replicas"])
async def test_storm(
    count: int, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    async with serving_replicas(settings, embedder, count=count) as servers:
        result = await storm(servers, upstream, SMALL)
    assert result.resets == 0


@pytest.mark.faults
@pytest.mark.timeout(90)
@pytest.mark.nginx
async def test_storm_through_nginx(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    async with serving_replicas(settings, embedder, count=2) as servers:
        with nginx(*(server.port for server in servers)) as url:
            result = await storm(servers, upstream, SMALL, urls=[url])
    assert result.resets == 0


async def test_every_position_of_an_ended_run_gives_the_rest(server: Serving) -> None:
    async with http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="s1") as asked:
            terminal = await asked.rest()
        await _every_position(http, asked.run_id, terminal.id)


async def test_another_replica_and_a_restarted_one_give_the_same(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=["Nausea ", "is ", "common ", "[1]."], pace_s=0.01))
    async with serving_replicas(settings, embedder, count=2) as (owner, other):
        async with http_client(owner.url) as http, asking(http, QUESTION) as asked:
            terminal = await asked.rest()
        async with http_client(other.url) as http:
            await _every_position(http, asked.run_id, terminal.id)
    async with serving(settings, embedder) as fresh, http_client(fresh.url) as http:
        await _every_position(http, asked.run_id, terminal.id)


async def test_a_run_that_is_no_longer_kept_in_memory_gives_the_same(
    server: Serving, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runs.kept_runs.MAX_KEPT_BYTES", 0)
    upstream.always(Reply(tokens=["Nausea ", "is ", "common ", "[1]."], pace_s=0.02))
    key = {"Idempotency-Key": "k"}
    async with http_client(server.url) as http:
        async with asking(http, QUESTION, headers=key) as asked:
            await asked.until(is_token)
            async with following(http, asked.run_id) as viewer:
                terminal = await asked.rest()
                assert await viewer.rest() == terminal
        assert viewer.viewer.text == asked.viewer.text
        assert not server.runtime.services.runs._live
        await _every_position(http, asked.run_id, terminal.id)
        async with asking(http, QUESTION, headers=key) as again:
            assert await again.rest() == terminal
        assert (again.run_id, again.viewer.text) == (asked.run_id, asked.viewer.text)
        stopped = await http.post(f"/runs/{asked.run_id}/stop")
        assert (stopped.status_code, stopped.json()["already"]) == (200, True)


async def _every_position(http: httpx.AsyncClient, run_id: str, last: int) -> None:
    whole = await resumed_from(http, run_id, 0)
    for position in range(1, last):
        rest = await resumed_from(http, run_id, position)
        assert rest.viewer.resets == 0
        assert rest.viewer.terminal == whole.viewer.terminal
        assert whole.viewer.text.endswith(rest.viewer.text)
        assert len(rest.viewer.text) <= len(whole.viewer.text)
    ended = await http.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": str(last)})
    assert (ended.status_code, ended.content) == (204, b"")


async def test_a_viewer_of_another_replica_keeps_up(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=["word "] * 200, pace_s=0.01))
    async with (
        serving_replicas(settings, embedder, count=2) as (owner, other),
        http_client(owner.url) as here,
        http_client(other.url) as there,
        asking(here, QUESTION, session_id="s1", on_disconnect="continue") as asked,
        following(there, asked.run_id) as far,
    ):
        await far.until(is_token)
        assert upstream.requests[0].completed is False
        assert await far.rest() == await asked.rest()
        assert far.viewer.text == asked.viewer.text
        tokens = [frame for frame in far.seen if frame.type == "token"]
        assert len(tokens) >= 5, "it came in one piece"


async def test_silence_is_filled_with_comments_without_a_number(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    """M4, for the owner's viewers and for those of another replica."""
    upstream.script(Reply(tokens=["Nausea ", "[1]."], first_token_delay_s=1.5))
    settings = app_settings(stocked_dsn, upstream, tmp_path, heartbeat_s=0.2)
    async with (
        serving_replicas(settings, embedder, count=2) as (owner, other),
        http_client(owner.url) as here,
        http_client(other.url) as there,
    ):
        began = time.monotonic()
        async with (
            here.stream("POST", "/chat", json={"message": QUESTION}) as asked,
            there.stream("GET", f"/runs/{asked.headers['x-run-id']}/events") as followed,
        ):
            near, far = await asyncio.gather(asked.aread(), followed.aread())
        silences = (time.monotonic() - began) / settings.heartbeat_s
    for raw in (near, far):
        blocks = raw.decode().split("\n\n")
        assert blocks.pop() == ""
        pings = [block for block in blocks if block.startswith(":")]
        assert set(pings) == {": ping"}
        assert 3 <= len(pings) <= silences
        viewer = Viewer()
        for block in blocks:
            if not block.startswith(":"):
                viewer.take(parse(block.encode()))
        assert viewer.text == "Nausea [1]."
        assert viewer.terminal is not None


async def test_the_browsers_event_source_follows_to_the_end_and_stops(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    """It reconnects when a stream ends, with the last id it saw, until it gets 204."""
    upstream.script(Reply(tokens=["word "] * 60, pace_s=0.01))
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="s1", on_disconnect="continue") as asked:
            run_id = asked.run_id
        source = EventSource(f"{server.url}/runs/{run_id}/events?last_event_id=0")
        viewer = await source.run(http, drop_after=20)
        assert viewer.text == (await last_answer(http, "s1"))["content"]
    assert source.connections >= 3
