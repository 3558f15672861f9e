"""However a run ends, it leaves no reference cycles: its memory is freed without a collection.

Full garbage collections are rare, because they pause every stream. Cycles would accumulate: once it
was 62 KB per stopped answer.
"""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from app.domain.errors import release_frames
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually, numbered_words
from tests.harness.run_client import asking, following, http_client, is_token
from tests.harness.serving import Serving
from tests.stream.conftest import QUESTION

TIMES: Final = 6
MANY: Final = 30
V1: Final = {
    "model": "citestream",
    "stream": True,
    "messages": [{"role": "user", "content": QUESTION}],
}
SHORT: Final = Reply(tokens=numbered_words(20))
LONG: Final = Reply(tokens=numbered_words(2_000), pace_s=0.01)

pytestmark = pytest.mark.timeout(300)  # hundreds of answers each


@dataclass
class Asker:
    """Ends an answer in one of the possible ways."""

    http: httpx.AsyncClient
    upstream: FakeOpenAI

    async def stop(self) -> None:
        self.upstream.always(LONG)
        async with asking(self.http, QUESTION) as asked:
            await asked.until(is_token)
            stopped = await self.http.post(f"/runs/{asked.run_id}/stop")
            assert stopped.json()["stopped"]
            await asked.rest()

    async def leave(self) -> None:
        self.upstream.always(LONG)
        async with asking(self.http, QUESTION) as asked:
            await asked.until(is_token)

    async def leave_v1(self) -> None:
        self.upstream.always(LONG)
        async with self.http.stream("POST", "/v1/chat/completions", json=V1) as response:
            await anext(response.aiter_raw())

    async def leave_before_the_json(self) -> None:
        self.upstream.always(LONG)
        headers = {"Accept": "application/json"}
        body = {"message": QUESTION}
        with suppress(httpx.TimeoutException):
            await self.http.post("/chat", json=body, headers=headers, timeout=0.3)

    async def stop_with_a_viewer(self) -> None:
        self.upstream.always(LONG)
        async with (
            asking(self.http, QUESTION) as asked,
            following(self.http, asked.run_id) as viewer,
        ):
            await viewer.until(is_token)
            await self.http.post(f"/runs/{asked.run_id}/stop")
            await asked.rest()

    async def read(self) -> None:
        self.upstream.always(SHORT)
        async with asking(self.http, QUESTION) as asked:
            await asked.rest()

    async def read_v1(self) -> None:
        self.upstream.always(SHORT)
        assert (await self.http.post("/v1/chat/completions", json=V1)).status_code == 200

    async def be_cut(self) -> None:
        self.upstream.always(Reply(tokens=numbered_words(20), cut_after=10))
        async with asking(self.http, QUESTION) as asked:
            assert (await asked.rest()).type == "error"

    async def be_refused(self) -> None:
        self.upstream.always(Reply(status=401))
        async with asking(self.http, QUESTION) as asked:
            assert (await asked.rest()).type == "error"

    async def upload(self) -> None:
        files = [("file", ("a.txt", b"Oolong is brewed at ninety degrees for three minutes."))]
        uploaded = await self.http.post("/sources", files=files)
        assert uploaded.status_code == 202
        await self.http.get(f"/jobs/{uploaded.json()['job_id']}/events")


WAYS: Final[dict[str, Callable[[Asker], Awaitable[None]]]] = {
    name: way for name, way in vars(Asker).items() if not name.startswith("_")
}


@pytest.fixture
async def asker(
    server: Serving, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asker]:
    monkeypatch.setattr("app.runs.kept_runs.KEEP_LIVE_S", 0.05)
    async with http_client(server.url) as http:
        yield Asker(http, upstream)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def waiting_for_the_collector() -> Counter[str]:
    """Our objects that only a full collection would free, by type."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = Counter(type(one).__qualname__ for one in gc.garbage if _is_ours(one))
    gc.garbage.clear()
    return found


def _is_ours(one: Any) -> bool:
    return str(type(one).__module__).startswith("app.")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("no_collector")
async def test_nothing_waits_for_the_collector(way: str, asker: Asker, server: Serving) -> None:
    runs = server.runtime.services.runs

    async def over() -> bool | None:
        return not runs._live or None

    await WAYS[way](asker)  # creates what is cached
    await eventually(over, within_s=20)
    gc.collect()
    for _ in range(TIMES):
        await WAYS[way](asker)
    await eventually(over, within_s=20)
    await asyncio.sleep(0.2)  # the closed connections of the last one
    found = waiting_for_the_collector()
    assert {kind: times for kind, times in found.items() if times >= TIMES - 1} == {}


@pytest.mark.parametrize("way", ["stop", "leave", "read"])
async def test_as_many_objects_are_alive_after_twice_as_many_answers(
    way: str,
    asker: Asker,
    server: Serving,
    upstream: FakeOpenAI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = server.runtime.services.runs
    upstream.keep = 1  # it shares this process
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # pytest keeps records

    async def over() -> bool | None:
        return not runs._live or None

    def alive() -> Counter[str]:
        gc.collect()
        return Counter(
            type(one).__qualname__ for one in gc.get_objects() if type(one).__module__ != "builtins"
        )

    async def answer_many() -> None:
        for _ in range(MANY):
            await WAYS[way](asker)
        await eventually(over, within_s=20)
        await asyncio.sleep(0.2)  # the closed connections of the last one

    await answer_many()  # creates what is cached
    await answer_many()
    before = alive()
    await answer_many()
    grown: dict[str, int] = {}

    async def nothing_grown() -> bool | None:
        nonlocal grown
        grown = {kind: more for kind, more in (alive() - before).items() if more >= MANY}
        return not grown or None

    # A graph that is still shutting down has that many channels.
    with suppress(TimeoutError):
        await eventually(nothing_grown, within_s=20)
    assert grown == {}


@pytest.mark.usefixtures("no_collector")
def test_frames_of_a_handled_error_are_cleared_with_those_of_its_causes() -> None:
    class Held:
        pass

    def fail() -> None:
        held = Held()
        raise ValueError(str(held))

    def wrap() -> None:
        mine = Held()
        try:
            fail()
        except ValueError as error:
            raise KeyError(str(mine)) from error

    with pytest.raises(KeyError) as raised:
        wrap()
    error = raised.value
    assert [one for one in gc.get_objects() if isinstance(one, Held)]
    release_frames(error)
    cause = error.__cause__
    assert (error.__traceback__, cause and cause.__traceback__) == (None, None)
    assert not [one for one in gc.get_objects() if isinstance(one, Held)]
