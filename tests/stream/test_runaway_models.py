"""A runaway model fails only its own answer, not concurrent ones."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.embeddings.minilm import MiniLM
from app.runs import producer
from tests.fakes.openai_server import FakeOpenAI, Record, Reply
from tests.harness.probes import (
    ViewerProbe,
    ask_and_leave,
    numbered_words,
    processes,
    server_env,
)
from tests.harness.run_client import asking, http_client, is_token, last_answer
from tests.harness.serving import serving
from tests.stream.conftest import QUESTION, app_settings

RUNAWAYS: Final[dict[str, list[str]]] = {
    "dots": ["." * 8_000] * 10 + ["a [1]"],
    "markers": ["[1]" * 8_000] * 5,
    "one sentence again and again": ["Nausea is common. [1] "] * 10_000,
    "sentences of their own": [f"Nausea {i} is common [1]. " for i in range(5_000)],
    "one word": ["a" * 200_000, " [1]"],
    "lines": ["\n" * 50_000, "a [1]"],
    "a fence that is not closed": ["```\n", "a [1]\n" * 20_000],
    "quotations in quotations": [">" * 100_000, " a [1]"],
}
LONG: Final = [f"w{number} " for number in range(600)]
STALL_S: Final = 13.0  # longer than a lease

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


def asked_as(name: str) -> str:
    """The same question to the library, marked so that the model service recognizes it."""
    return QUESTION + "!" * (1 + list(RUNAWAYS).index(name))


def question_of(record: Record) -> str:
    return record.prompt.rpartition("Question: ")[2]


def reply_of(record: Record) -> Sequence[str]:
    asked = question_of(record)
    return next((RUNAWAYS[name] for name in RUNAWAYS if asked_as(name) == asked), LONG)


async def test_neighbours_of_runaways_are_not_interrupted(
    stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """An ordinary answer continues while runaways are read through every output."""
    upstream.when(lambda record: question_of(record) == QUESTION, Reply(tokens=LONG, pace_s=0.02))
    upstream.always(Reply(tokens=reply_of))
    env = server_env(stocked_dsn, upstream, tmp_path)
    limits = httpx.Limits(max_connections=None)
    async with (
        processes(2, env) as (chewing, other),
        httpx.AsyncClient(timeout=60, limits=limits) as http,
    ):
        run_id, response = await ask_and_leave(http, chewing.url, QUESTION, session_id="ordinary")
        await response.aclose()
        far = ViewerProbe(run_id)
        following = asyncio.ensure_future(far.follow_to_the_end(http, [other.url], within_s=120))
        await asyncio.gather(*(chew(http, chewing.url, name) for name in RUNAWAYS))
        await following
        assert far.screen.terminal is not None
        assert (far.screen.terminal.type, far.screen.text) == ("done", "".join(LONG))
        assert "was taken over" not in chewing.log
        assert "its process is gone" not in other.log


async def chew(http: httpx.AsyncClient, url: str, name: str) -> None:
    """As a stream, as one object, by `/v1` in both ways, as history, export and context."""
    message, session = asked_as(name), name.replace(" ", "-")
    whole = "".join(RUNAWAYS[name])
    streamed = await http.post(f"{url}/chat", json={"message": message, "session_id": session})
    assert '"type":"done"' in streamed.text
    as_json = await http.post(
        f"{url}/chat", json={"message": message}, headers={"Accept": "application/json"}
    )
    assert as_json.json()["answer"] == whole
    asked = {"model": "citestream", "messages": [{"role": "user", "content": message}]}
    completion = (await http.post(f"{url}/v1/chat/completions", json=asked)).json()
    assert completion["choices"][0]["message"]["content"].startswith(whole)
    chunks = await http.post(f"{url}/v1/chat/completions", json={**asked, "stream": True})
    assert chunks.text.endswith("data: [DONE]\n\n")
    messages = await http.get(f"{url}/conversations/{session}/messages")
    assert messages.json()["items"][-1]["content"] == whole
    assert (await http.get(f"{url}/conversations/{session}/export")).status_code == 200
    again = await http.post(
        f"{url}/chat", json={"message": "And in children?", "session_id": session}
    )
    assert '"type":"done"' in again.text


async def test_an_answer_without_an_end_is_ended(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
    embedder: MiniLM,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producer, "MAX_ANSWER_CHARACTERS", 2_000)
    upstream.always(Reply(tokens=["Nausea is common [1]. "], length=1_000_000))
    settings = app_settings(stocked_dsn, upstream, tmp_path)
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="s") as asked:
            end = await asked.rest()
        answer = await last_answer(http, "s")
    assert (end.type, end.content["finish_reason"]) == ("done", "length")
    assert 2_000 < len(answer["content"]) < 50_000
    assert [c["marker"] for c in answer["citations"]] == [1]
    assert upstream.requests[-1].closed_by_client_at is not None


async def test_a_loop_that_stands_still_keeps_its_runs(
    stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path, embedder: MiniLM
) -> None:
    """An event loop blocked for longer than a lease: the other replica closes nothing."""
    upstream.always(Reply(tokens=numbered_words(100), pace_s=0.02))
    settings = app_settings(
        stocked_dsn, upstream, tmp_path, idle_timeout_s=600, first_token_timeout_s=600
    )
    async with (
        processes(1, server_env(stocked_dsn, upstream, tmp_path / "other")) as (other,),
        serving(settings, embedder) as stalled,
        http_client(stalled.url) as http,
        asking(http, QUESTION, session_id="s") as asked,
    ):
        await asked.until(is_token)
        until = time.monotonic() + STALL_S
        while time.monotonic() < until:
            sum(range(1000))
        end = await asked.rest()
        assert end.type == "done"
        assert (await last_answer(http, "s"))["status"] == "complete"
        assert "its process is gone" not in other.log
