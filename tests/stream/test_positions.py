"""P2: an unavailable position gets the whole text or a clear refusal, never a gap."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from typing_extensions import override

from app.config import Settings
from app.db.run_log import PostgresRunLog
from app.domain.encoding import timestamp
from app.domain.events import Token, to_json
from app.domain.models import Filters
from app.domain.principals import LOCAL
from app.embeddings.minilm import MiniLM
from app.runs.clock import SystemClock
from app.runs.log_entries import LogEntry
from app.runs.ports import Batch, Created, Leases, NewRun
from app.runs.reaper import Reaper
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, following, http_client, is_token
from tests.harness.serving import Serving, serving_replicas
from tests.harness.sse import Viewer, frames
from tests.stream.conftest import QUESTION
from tests.stream.storm import resumed_from, run_log_of

GARBAGE = ("abc", "-1", "+1", "1.0", "0x10", "1e3", "1 2", "٣", "NaN", "1;2", "1\t1")
HUGE = (str(2**31), str(2**63 - 1), str(2**63), "9" * 30, "9" * 5000)


@pytest.fixture
async def ended(client: httpx.AsyncClient) -> tuple[str, str, int]:
    """A run that is over: its id, its text and the number of its last event."""
    async with asking(client, QUESTION, session_id="s1") as asked:
        terminal = await asked.rest()
    return asked.run_id, asked.viewer.text, terminal.id


async def test_garbage_is_refused(client: httpx.AsyncClient, ended: tuple[str, str, int]) -> None:
    url = f"/runs/{ended[0]}/events"
    for position in GARBAGE:
        in_query = await client.get(url, params={"last_event_id": position})
        assert in_query.status_code == 422, position
        assert in_query.json()["error"]["details"] == {"field": "last_event_id"}
        in_header = await client.get(url, headers={b"Last-Event-ID": position.encode()})
        assert in_header.status_code == 422, position
    assert (await client.get(f"{url}?last_event_id=1%00")).status_code == 422
    assert (await client.get(f"{url}?last_event_id=%00")).status_code == 422


async def test_a_number_that_was_never_handed_out_gets_the_whole_text(
    client: httpx.AsyncClient, ended: tuple[str, str, int]
) -> None:
    run_id, text, last = ended
    for position in HUGE:
        by_header: dict[str, Any] = {"headers": {"Last-Event-ID": position}}
        by_query: dict[str, Any] = {"params": {"last_event_id": position}}
        for how in (by_header, by_query):
            async with client.stream("GET", f"/runs/{run_id}/events", **how) as response:
                assert response.status_code == 200, position
                seen = [frame async for frame in frames(response)]
            assert [frame.type for frame in seen] == ["reset", "done"]
            assert [frame.id for frame in seen] == [last - 1, last]
            assert seen[0].content["text"] == text
            assert seen[0].content["citations"]


async def test_nothing_and_zero_are_the_start(
    client: httpx.AsyncClient, ended: tuple[str, str, int]
) -> None:
    url = f"/runs/{ended[0]}/events"
    for position in ("", "0", "000"):
        by_header = await client.get(url, headers={"Last-Event-ID": position})
        by_query = await client.get(url, params={"last_event_id": position})
        assert by_header.text == by_query.text
        assert by_header.text.startswith("id: 1\n")


async def test_the_header_comes_before_the_query(
    client: httpx.AsyncClient, ended: tuple[str, str, int]
) -> None:
    run_id, _, last = ended
    response = await client.get(
        f"/runs/{run_id}/events?last_event_id=1", headers={"Last-Event-ID": str(last)}
    )
    assert response.status_code == 204


async def test_an_id_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    for run_id in ("x", "1", "0" * 33, "%00", "..", "a b", "{}"):
        assert (await client.get(f"/runs/{run_id}/events")).status_code in {404, 422}, run_id
        assert (await client.post(f"/runs/{run_id}/stop")).status_code in {404, 405, 422}, run_id


async def test_an_unknown_run_is_not_found(client: httpx.AsyncClient) -> None:
    url = f"/runs/{uuid.uuid4()}/events"
    for position in ("", "0", "5", str(2**62)):
        response = await client.get(url, headers={"Last-Event-ID": position})
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


async def test_a_purged_log_gives_the_whole_text(settings: Settings, embedder: MiniLM) -> None:
    """On a process that no longer holds the run in memory."""
    async with serving_replicas(settings, embedder, count=2) as (owner, other):
        async with http_client(owner.url) as http, asking(http, QUESTION) as asked:
            terminal = await asked.rest()
        purged = await run_log_of(owner).purge(ended_before=datetime.now(UTC) + timedelta(days=1))
        assert purged == 1
        async with http_client(other.url) as http:
            for position in (0, 1, terminal.id - 2, 10**6):
                again = await resumed_from(http, asked.run_id, position)
                assert [frame.type for frame in again.seen] == ["reset", "done"]
                assert again.viewer.text == asked.viewer.text
                assert again.viewer.terminal == terminal
            end = await http.get(
                f"/runs/{asked.run_id}/events", headers={"Last-Event-ID": str(terminal.id)}
            )
            assert end.status_code == 204


@pytest.mark.faults
async def test_a_future_position_of_a_running_run_is_waited_for_then_reset(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    permits = asyncio.Semaphore(250)  # the model writes for longer than the wait for a position
    upstream.script(Reply(tokens=["word "] * 350, pace_s=0.01, permits=permits))
    async with (
        serving_replicas(settings, embedder, count=2) as (owner, other),
        http_client(owner.url) as here,
        http_client(other.url) as there,
        asking(here, QUESTION, session_id="s1", on_disconnect="continue") as asked,
        following(here, asked.run_id, viewer=Viewer(position=5000)) as near,
        following(there, asked.run_id, viewer=Viewer(position=5000)) as far,
    ):
        for follower in (near, far):
            assert (await follower.until(lambda _: True)).type == "reset"
        for _ in range(100):
            permits.release()
        for follower in (near, far):
            await follower.rest()
            assert any(map(is_token, follower.seen))
        await asked.rest()
        assert near.viewer.text == far.viewer.text == asked.viewer.text


class Crashed:
    """A run with a dead owner: some events are stored, later ones were shown but not stored."""

    STORED = 4
    SEEN = 40

    def __init__(self, server: Serving) -> None:
        self.run_id = str(uuid.uuid4())
        self.log = run_log_of(server)

    async def leave(self) -> None:
        """Write the events that the owner had stored when it died."""
        new = NewRun(
            run_id=self.run_id,
            principal=LOCAL,
            session_id="crashed",
            route="chat",
            message_id=str(uuid.uuid4()),
            question_id=str(uuid.uuid4()),
            question=QUESTION,
            model="fake",
            filters=Filters(),
            on_disconnect="continue",
            process_id="dead",
            created_at=datetime.now(UTC),
        )
        created = await self.log.create(new)
        assert isinstance(created, Created)
        at = timestamp(datetime.now(UTC))
        entries = tuple(
            LogEntry(seq, "token", to_json(Token(content=f"w{seq} ", timestamp=at)), f"w{seq} ")
            for seq in range(1, self.STORED + 1)
        )
        await self.log.flush([Batch(self.run_id, 1, entries, created.record.reserved)])

    async def close(self) -> None:
        """Close the run as another process does once the lease has expired."""
        log = HastyLog(self.log)
        reaper = Reaper(
            log, live=(), process_id="reaper", cite=lambda text, passages: (), clock=SystemClock()
        )
        closed = 0
        while not closed:
            closed += await reaper.check()


class HastyLog(PostgresRunLog):
    """The durable log, with a clock that advances three seconds per read."""

    def __init__(self, log: PostgresRunLog) -> None:
        super().__init__(log._database, log._notices)
        self._ahead_s = 0.0

    @override
    async def leases(self) -> Leases:
        self._ahead_s += 3
        real = await super().leases()
        return replace(real, now_s=real.now_s + self._ahead_s)


@pytest.mark.faults
async def test_the_hole_of_a_crash_gives_the_whole_text(
    server: Serving, client: httpx.AsyncClient
) -> None:
    crashed = Crashed(server)
    await crashed.leave()
    await crashed.close()
    stored = "w1 w2 w3 w4 "
    whole = await resumed_from(client, crashed.run_id, 0)
    assert (whole.viewer.text, whole.viewer.resets) == (stored, 0)
    assert [frame.type for frame in whole.seen] == ["token", "citations", "error"]
    cited, terminal = whole.seen[-2:]
    assert terminal.content["code"] == "INTERRUPTED"
    assert cited.id > crashed.SEEN
    for position in (crashed.STORED + 1, crashed.SEEN, cited.id - 1, terminal.id + 1, 2**40):
        late = await resumed_from(client, crashed.run_id, position)
        assert [frame.type for frame in late.seen] == ["reset", "error"]
        assert (late.viewer.text, late.viewer.terminal) == (stored, terminal)
    for position, types in ((crashed.STORED, ["citations", "error"]), (cited.id, ["error"])):
        early = await resumed_from(client, crashed.run_id, position)
        assert [frame.type for frame in early.seen] == types
    end = await client.get(f"/runs/{crashed.run_id}/events?last_event_id={terminal.id}")
    assert end.status_code == 204


@pytest.mark.faults
async def test_a_viewer_that_waits_in_the_hole_sees_the_end(
    server: Serving, client: httpx.AsyncClient
) -> None:
    """A viewer ahead of the stored events gets a reset, then the interruption."""
    crashed = Crashed(server)
    await crashed.leave()
    ahead = Viewer(position=crashed.SEEN, text="w1 w2 w3 w4 w5 and more")
    async with following(client, crashed.run_id, viewer=ahead) as follower:
        reset = await follower.until(lambda frame: frame.type == "reset")
        assert reset.id == crashed.STORED
        await crashed.close()
        assert (await follower.rest()).content["code"] == "INTERRUPTED"
    assert ahead.text == "w1 w2 w3 w4 "
