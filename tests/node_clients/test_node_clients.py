"""Node and browser clients: `make test-clients`, which also installs their packages."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.conftest import (
    ANSWER,
    answering,
    client,
    embedder,
    endless,
    server,
    settings,
    stocked_dsn,
    stocked_template,
    upstream,
)
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.serving import Serving

__all__ = [
    "answering",
    "client",
    "embedder",
    "endless",
    "server",
    "settings",
    "stocked_dsn",
    "stocked_template",
    "upstream",
]

HERE = Path(__file__).parent
TEXT = "".join(ANSWER)
PART = "".join(ANSWER[:2])


@pytest.fixture
async def proxy(server: Serving) -> AsyncIterator[FaultProxy]:
    """A network in front of the server that can be cut."""
    async with FaultProxy(upstream=("127.0.0.1", server.port)) as fault_proxy:
        yield fault_proxy


async def node(script: str, *arguments: str, proxy: FaultProxy | None = None) -> Any:
    """The last line of a script's output; cuts the network when the script asks for it."""
    process = await asyncio.create_subprocess_exec(
        "node", HERE / script, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told: Any = None
    async for line in process.stdout:
        told = json.loads(line)
        if told.get("cut") and proxy is not None:
            proxy.cut_all("rst")
    assert await process.wait() == 0
    return told


async def stopped(upstream: FakeOpenAI) -> None:
    await upstream.wait_for(lambda record: record.closed_by_client_at is not None)


async def test_openai_for_node_asks(server: Serving, answering: FakeOpenAI) -> None:
    told = await node("openai.mjs", server.url, "ask")
    assert told["models"] == ["citestream"]
    assert told["streamed"].startswith(f"{TEXT}\n\n**Sources**\n- [1] Aripiprazole")
    assert told["annotations"][0]["url_citation"]["verified"] is True
    assert told["usage"]["total_tokens"] > 0
    assert told["whole"]["content"] == TEXT


async def test_openai_for_node_stops(server: Serving, endless: FakeOpenAI) -> None:
    assert PART.startswith((await node("openai.mjs", server.url, "stop"))["text"])
    await stopped(endless)


async def test_openai_for_node_is_refused_by_name(server: Serving) -> None:
    told = await node("openai.mjs", server.url, "refused")
    assert told == {"status": 400, "param": "n", "name": "BadRequestError"}


async def test_use_chat_asks(server: Serving, answering: FakeOpenAI) -> None:
    told = await node("browser.mjs", server.url, "useChatAsks")
    assert told["text"] == TEXT
    assert told["sources"] == "Aripiprazole"
    assert "started" not in told["stages"].split(",")[:2]  # an end replaces its start


async def test_use_chat_stops(server: Serving, endless: FakeOpenAI) -> None:
    assert (await node("browser.mjs", server.url, "useChatStops"))["text"] == PART
    await stopped(endless)


async def test_use_chat_resumes_after_a_reload(server: Serving, endless: FakeOpenAI) -> None:
    told = await node("browser.mjs", server.url, "useChatResumes")
    assert told == {"before": PART, "text": PART}
    assert len(endless.requests) == 1
    await stopped(endless)


async def test_use_chat_shows_a_failure(server: Serving, upstream: FakeOpenAI) -> None:
    upstream.always(Reply(tokens=ANSWER, cut_after=2, cut="reset"))
    told = await node("browser.mjs", server.url, "useChatFails")
    assert told["text"] == PART
    assert "broke" in told["error"]


@pytest.mark.parametrize("reader", ["fetchEventSource", "eventSource"])
async def test_readers_of_pages_resume_and_stop(
    proxy: FaultProxy, endless: FakeOpenAI, client: httpx.AsyncClient, reader: str
) -> None:
    url = f"http://127.0.0.1:{proxy.port}"
    told = await node("browser.mjs", url, reader, proxy=proxy)
    assert told["receipt"]["stopped"] is True
    assert told["seen"]["text"] == PART
    assert told["seen"]["ended"]["finish_reason"] == "stopped"
    ids = told["seen"]["ids"]
    assert ids == sorted(set(ids))
    assert told["seen"]["connections"] >= 2
    await stopped(endless)
