"""Models listed by endpoints are offered; their responses are untrusted."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from app.domain.proxies import DIRECT
from app.llm.discovery import MAX_FOUND, VALID_S, Listing, ModelDiscovery
from app.runs.tasks import TaskTracker
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port
from tests.unit.llm.test_reachability import SettableClock

if TYPE_CHECKING:
    from app.domain.model_endpoints import ModelEndpoint


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture
async def tasks() -> AsyncIterator[TaskTracker]:
    tracker = TaskTracker()
    yield tracker
    await tracker.close()


class Searching:
    """A discovery with its clock, and the models it added."""

    def __init__(
        self, tasks: TaskTracker, *listings: Listing, known: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.clock = SettableClock()
        self.added: list[ModelEndpoint] = []
        self.discovery = ModelDiscovery(
            listings,
            known=known,
            add=self.added.extend,
            proxies=DIRECT,
            clock=self.clock,
            tasks=tasks,
        )

    async def names(self) -> list[str]:
        self.discovery.search_if_due()
        async with asyncio.timeout(20):
            while self.discovery.is_searching:
                await asyncio.sleep(0.005)
        return list(self.discovery.found)


def lists(*models: object) -> Reply:
    return Reply(body=json.dumps({"object": "list", "data": list(models)}))


async def test_what_is_listed_is_offered_under_its_address(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    upstream.always(
        lists(
            {"id": "llama3.2:latest"},
            {"id": "org/large:free", "context_length": 131_072, "pricing": {"prompt": "0.0000005"}},
            {
                "id": "served",
                "max_model_len": 8_192,
                "pricing": {"prompt": "-1", "completion": "x"},
            },
        ),
        route="models",
    )
    searching = Searching(tasks, Listing(upstream.base_url, SecretStr("sk-abc"), "A_KEY"))
    host = f"127.0.0.1:{upstream.port}"
    assert await searching.names() == [
        f"{host}/llama3.2:latest",
        f"{host}/org/large:free",
        f"{host}/served",
    ]
    llama, large, served = searching.added
    assert (llama.label, llama.model, llama.found) == ("llama3.2:latest", "llama3.2:latest", True)
    assert (large.context_window, large.input_price, large.output_price) == (131_072, 0.5, None)
    assert (served.context_window, served.input_price, served.output_price) == (8_192, None, None)
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-abc"
    assert searching.discovery.reach(llama).reachable is True


async def test_models_that_write_no_answers_and_configured_ones_are_left_out(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    others = ("nomic-embed-text:latest", "whisper-1", "tts-1", "bge-m3", "omni-moderation-latest")
    named = [{"id": name} for name in (*others, "llama3.2:latest", "gpt-4.1", "mistral")]
    upstream.always(lists(*named), route="models")
    same = upstream.base_url.replace("127.0.0.1", "localhost")
    searching = Searching(
        tasks,
        Listing(upstream.base_url),
        known=[(same, "llama3.2"), (upstream.base_url, "mistral")],
    )
    assert [name.partition("/")[2] for name in await searching.names()] == ["gpt-4.1"]


async def test_an_address_is_asked_once_whatever_its_name(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    same = upstream.base_url.replace("127.0.0.1", "localhost")
    keyed = Listing(same, SecretStr("sk-abc"), "A_KEY")
    await Searching(tasks, keyed, Listing(upstream.base_url)).names()
    assert [record.headers.get("authorization") for record in upstream.requests] == [
        "Bearer sk-abc"
    ]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body="<html>"),
        Reply(body="[]"),
        Reply(body='{"data": {"id": "x"}}'),
        Reply(body='{"data": "x"}'),
        Reply(status=401),
        Reply(status=404),
        Reply(status=500),
        Reply(body="{}", status=302, headers={"location": "http://127.0.0.1:1/"}),
        Reply(malformed_at=0),
        Reply(body=json.dumps({"data": [{"id": "x" * 9_000_000}]})),
    ],
)
async def test_what_is_no_list_finds_nothing(
    upstream: FakeOpenAI, tasks: TaskTracker, reply: Reply
) -> None:
    upstream.always(reply, route="models")
    assert await Searching(tasks, Listing(upstream.base_url)).names() == []


async def test_odd_entries_are_skipped_and_long_lists_cut(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    odd = [None, 3, "x", {}, {"id": 3}, {"id": ""}, {"id": "a\u202eb"}, {"id": "x" * 300}]
    many = [{"id": f"m/{n}", "context_length": "big", "pricing": []} for n in range(2_000)]
    upstream.always(lists(*odd, *many), route="models")
    names = await Searching(tasks, Listing(upstream.base_url)).names()
    assert len(names) == MAX_FOUND
    assert names[0].endswith("/m/0")


async def test_an_endpoint_that_is_gone_keeps_its_models_and_says_so(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    upstream.script(lists({"id": "one"}), Reply(status=500), route="models")
    searching = Searching(tasks, Listing(upstream.base_url))
    before = await searching.names()
    searching.clock.seconds += VALID_S
    assert await searching.names() == before
    assert searching.discovery.reach(searching.added[0]).reachable is False


async def test_a_model_that_is_listed_no_more_is_not_offered(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    upstream.script(lists({"id": "one"}, {"id": "two"}), lists({"id": "two"}), route="models")
    searching = Searching(tasks, Listing(upstream.base_url))
    await searching.names()
    searching.clock.seconds += VALID_S
    assert [name.partition("/")[2] for name in await searching.names()] == ["two"]


async def test_nobody_waits_for_an_endpoint_that_is_silent(
    upstream: FakeOpenAI, tasks: TaskTracker
) -> None:
    upstream.always(Reply(headers_delay_s=60), route="models")
    with closed_port() as port:
        gone = Listing(f"http://127.0.0.1:{port}/v1")
        searching = Searching(tasks, Listing(upstream.base_url), gone)
        searching.discovery.search_if_due()
        assert searching.discovery.is_searching
        assert searching.discovery.found == {}
        assert await searching.names() == []


async def test_it_is_searched_rarely(upstream: FakeOpenAI, tasks: TaskTracker) -> None:
    searching = Searching(tasks, Listing(upstream.base_url))
    for _ in range(3):
        await searching.names()
    assert len(upstream.requests) == 1
