"""ChatOpenAI with merged streams, against a real server: nothing is lost but the waste."""

from collections.abc import AsyncIterator

import pytest
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable
from pydantic import SecretStr

from app.config import Settings
from app.domain.ports import DELTAS
from app.llm.answer_model import AnswerModel
from app.llm.registry import make_answer_model
from tests.fakes.openai_server import FakeOpenAI, Reply

TOKENS = [f"word{n} " for n in range(40)]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture
async def model(upstream: FakeOpenAI) -> AsyncIterator[AnswerModel]:
    settings = Settings(
        llm_provider="openai",
        openai_api_key=SecretStr("k"),
        llm_model="fake",
        openai_base_url=upstream.base_url,
    )
    made = make_answer_model(settings)
    yield made
    await made.aclose()


async def read(chat: Runnable[LanguageModelInput, AIMessage]) -> list[AIMessageChunk]:
    chunks = [chunk async for chunk in chat.astream("?")]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
    return [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk)]


async def test_frames_that_come_together_are_one_chunk(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(tokens=TOKENS, frames_per_chunk=20, reasoning=["let me ", "see"]))
    chunks = await read(model.chat)
    said = [chunk for chunk in chunks if chunk.text]
    assert len(said) < len(TOKENS)
    assert "".join(chunk.text for chunk in said) == "".join(TOKENS)
    assert sum(chunk.response_metadata.get(DELTAS, 1) for chunk in said) == len(TOKENS)
    finished = [c.response_metadata.get("finish_reason") for c in chunks]
    assert [reason for reason in finished if reason] == ["stop"]
    [usage] = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert usage["output_tokens"] == len(TOKENS) + 2


async def test_a_whole_answer_leaves_its_connection_for_the_next(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    for _ in range(3):
        assert await read(model.chat)
    assert upstream.open_connections == 1


async def test_a_request_with_headers_of_its_own_goes_the_usual_way(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(tokens=TOKENS))
    chunks = await read(model.chat.bind(extra_headers={"X-Team": "blue"}))
    assert "".join(chunk.text for chunk in chunks) == "".join(TOKENS)
