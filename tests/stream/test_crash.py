"""P4, M14, M18, M23: `kill -9` and long pauses of a run's owner, seen from another replica."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import (
    LOST,
    ViewerProbe,
    ask_and_leave,
    eventually,
    numbered_words,
    processes,
    server_env,
)
from tests.harness.process import ServerProcess
from tests.stream.conftest import QUESTION

LONG = Reply(tokens=numbered_words(3000), pace_s=0.01)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


@dataclass
class Victim:
    """A run on the server to be killed, with a viewer there and one at the other replica."""

    session_id: str
    near: ViewerProbe
    far: ViewerProbe
    near_end: "asyncio.Task[None]"
    far_end: "asyncio.Task[None]"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=30, limits=limits) as http:
        yield http


async def until_cut(probe: ViewerProbe, response: httpx.Response) -> None:
    try:
        await probe.read(response)
    except LOST:
        pass
    finally:
        await response.aclose()


async def victim(client: httpx.AsyncClient, doomed: str, other: str, session_id: str) -> Victim:
    run_id, response = await ask_and_leave(client, doomed, QUESTION, session_id=session_id)
    near, far = ViewerProbe(run_id), ViewerProbe(run_id)
    return Victim(
        session_id,
        near,
        far,
        asyncio.ensure_future(until_cut(near, response)),
        asyncio.ensure_future(far.follow_to_the_end(client, [other], within_s=60)),
    )


async def kill(server: ServerProcess, victims: list[Victim], *, tokens: int) -> float:
    """Kill the server once every viewer has that many tokens; returns the time of the kill."""

    async def reading() -> bool | None:
        return all(v.near.screen.text.count(" ") >= tokens for v in victims) or None

    await eventually(reading, within_s=15, every_s=0.005)
    await asyncio.to_thread(server.kill)
    died = time.monotonic()
    await asyncio.gather(*(v.near_end for v in victims))
    return died


def lost_s(delivered: ViewerProbe, stored: str, died: float) -> float:
    """How long before the kill the first unsaved text was shown."""
    assert stored.startswith(delivered.screen.text) or delivered.screen.text.startswith(stored)
    lost = (delivered.arrived[i] for i, (size, _) in delivered.texts.items() if size > len(stored))
    return max((died - at for at in lost), default=0.0)


async def check(client: httpx.AsyncClient, other: str, v: Victim, died: float) -> tuple[float, ...]:
    """Assert the state after a death; returns seconds until the run ended, and of lost text."""
    await v.far_end
    terminal = v.far.screen.terminal
    assert terminal is not None
    assert (terminal.type, terminal.content["code"]) == ("error", "INTERRUPTED")
    assert terminal.content["saved"] is True
    ended_s = v.far.arrived[terminal.id] - died
    messages = (await client.get(f"{other}/conversations/{v.session_id}/messages")).json()["items"]
    stored = messages[-1]["content"]
    assert messages[-1]["status"] == "error"
    assert v.far.screen.text == stored
    missing_s = lost_s(v.near, stored, died)
    assert v.near.screen.terminal is None
    shown = max(v.near.texts)
    assert terminal.id > shown, "the end has a number that was shown before"
    await v.near.follow_to_the_end(client, [other], within_s=10)
    assert v.near.screen.text == stored
    assert v.near.screen.terminal == terminal
    assert v.near.reset_ids or v.near.texts[shown][0] <= len(stored)
    common = v.near.texts.keys() & v.far.texts.keys()
    assert all(v.near.texts[i] == v.far.texts[i] for i in common)
    return ended_s, missing_s


async def kill_often(
    client: httpx.AsyncClient, dsn: str, upstream: FakeOpenAI, tmp_path: Path, kills: int
) -> list[tuple[float, ...]]:
    """One replica is killed and replaced repeatedly; the other closes its runs."""
    upstream.always(LONG)
    chance = random.Random(kills)
    env = server_env(dsn, upstream, tmp_path)
    figures: list[tuple[float, ...]] = []
    checks: list[asyncio.Task[tuple[float, ...]]] = []
    async with processes(2, env) as (doomed, other):
        for number in range(kills):
            names = [f"k{number}-{n}" for n in range(chance.randint(1, 4))]
            victims = [await victim(client, doomed.url, other.url, name) for name in names]
            died = await kill(doomed, victims, tokens=chance.randint(0, 120))
            checks += [asyncio.ensure_future(check(client, other.url, v, died)) for v in victims]
            if number + 1 < kills:
                await asyncio.to_thread(doomed.start)
        figures += await asyncio.gather(*checks)
        upstream.always(Reply(tokens=["Nausea [1]."]))
        run_id, response = await ask_and_leave(client, other.url, QUESTION, session_id="k0-0")
        afterwards = ViewerProbe(run_id)
        await until_cut(afterwards, response)
        assert afterwards.screen.text == "Nausea [1]."
    return figures


async def test_a_killed_owner_leaves_an_interrupted_run_and_no_number_twice(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    figures = await kill_often(client, stocked_dsn, upstream, tmp_path, 2)
    assert len(figures) >= 2


async def test_a_paused_owner_that_wakes_changes_nothing(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(LONG)
    async with processes(2, server_env(stocked_dsn, upstream, tmp_path)) as (paused, other):
        v = await victim(client, paused.url, other.url, "s1")

        async def reading() -> bool | None:
            return v.near.screen.text.count(" ") >= 30 or None

        await eventually(reading, within_s=10)
        paused.signal(signal.SIGSTOP)
        await v.far_end
        terminal = v.far.screen.terminal
        assert terminal is not None
        assert terminal.content["code"] == "INTERRUPTED"
        before = (await client.get(f"{other.url}/conversations/s1/messages")).json()
        shown = v.near.screen.text
        paused.signal(signal.SIGCONT)
        async with asyncio.timeout(10):
            await v.near_end
        assert v.near.screen.terminal == terminal
        # Text sent during the pause was never shown; text that was not stored is retracted.
        assert max(length for length, _ in v.near.texts.values()) == len(shown)
        assert v.near.screen.resets == (shown != before["items"][-1]["content"])
        stored = before["items"][-1]["content"]
        assert v.near.screen.text == v.far.screen.text == stored
        await upstream.wait_until(lambda: all(r.finished_at for r in upstream.requests))
        assert upstream.requests[-1].closed_by_client_at is not None
        assert (await client.get(f"{other.url}/conversations/s1/messages")).json() == before
        again = ViewerProbe(v.near.run_id)
        await again.follow_to_the_end(client, [paused.url], within_s=5)
        assert (again.screen.text, again.screen.terminal) == (stored, terminal)
        upstream.always(Reply(tokens=["Nausea [1]."]))
        _, response = await ask_and_leave(client, paused.url, QUESTION, session_id="s1")
        await response.aclose()
