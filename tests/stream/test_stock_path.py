"""`LLM_FAST_PATH=off`: stock LangChain, openai and httpx answer, stop and fail just the same.

`make test-stock` runs all suites of streaming, aborts, transcripts and promises that way.
"""

from collections.abc import AsyncIterator

import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.llm.openai import NormalizingChatOpenAI
from app.llm.registry import make_answer_model
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, http_client
from tests.harness.serving import serving
from tests.harness.sse import Frame
from tests.stream.abort_kit import MOMENTS, Place, disconnect_at, stop_at
from tests.stream.conftest import QUESTION

ANSWER = ["Common side effects ", "include nausea ", "and headache [1]."]
REPLIES = (
    Reply(tokens=ANSWER),
    Reply(tokens=ANSWER, frames_per_chunk=3),
    Reply(tokens=["<think>Perhaps", " [2].</think>", *ANSWER]),
    Reply(tokens=ANSWER, reasoning=["Let me ", "see."]),
    Reply(tokens=ANSWER, refuse_stream=True),
    Reply(tokens=ANSWER, cut_after=2, cut="reset"),
)


@pytest.fixture
def stock(settings: Settings) -> Settings:
    return settings.model_copy(update={"llm_fast_path": False})


@pytest.fixture
async def place(stock: Settings, embedder: MiniLM, upstream: FakeOpenAI) -> AsyncIterator[Place]:
    async with serving(stock, embedder) as server, http_client(server.url) as client:
        yield Place(client, client, upstream)


def test_the_setting_chooses(stock: Settings) -> None:
    assert type(make_answer_model(stock.answer_model).chat) is NormalizingChatOpenAI


async def test_stop_closes_the_socket(place: Place, subtests: pytest.Subtests) -> None:
    for number, moment in enumerate(MOMENTS):
        place.upstream.clear()
        with subtests.test(moment.name):
            await stop_at(moment, place, f"s{number}")


async def test_leaving_closes_the_socket(place: Place, subtests: pytest.Subtests) -> None:
    for number, moment in enumerate(MOMENTS):
        place.upstream.clear()
        with subtests.test(moment.name):
            await disconnect_at(moment, place, f"s{number}")


async def test_viewers_see_the_same_on_both_paths(
    settings: Settings, stock: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> None:
    fast = settings.model_copy(update={"llm_fast_path": True})
    seen = [await _seen(each, embedder, upstream) for each in (fast, stock)]
    assert seen[0] == seen[1]


async def _seen(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI
) -> list[tuple[list[str], str, object]]:
    """For each reply: the events except tokens, the text, and how the answer ended."""
    seen: list[tuple[list[str], str, object]] = []
    async with serving(settings, embedder) as server, http_client(server.url) as client:
        for number, reply in enumerate(REPLIES):
            upstream.clear()
            upstream.always(reply)
            name = f"{settings.llm_fast_path}-{number}"
            async with asking(client, QUESTION, session_id=name) as asked:
                end = await asked.rest()
            others = [frame.type for frame in asked.seen if frame.type != "token"]
            seen.append((others, asked.viewer.text, _ending(end)))
    return seen


def _ending(end: Frame) -> object:
    names = ("finish_reason", "code", "usage")
    return {name: end.content.get(name) for name in names}
