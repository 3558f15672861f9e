"""ChatOpenAI with merged streams, against a real server: no content is lost."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from app.config import Settings
from app.domain.ports import DELTAS
from app.llm.answer_model import AnswerModel
from app.llm.fast_path.completions import MergingChatOpenAI
from app.llm.registry import make_answer_model
from tests.fakes.openai_server import FakeOpenAI, Reply

TOKENS = [f"word{n} " for n in range(40)]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
async def model(request: pytest.FixtureRequest, upstream: FakeOpenAI) -> AsyncIterator[AnswerModel]:
    settings = Settings(
        llm_fast_path=request.param,
        llm_provider="openai",
        openai_api_key=SecretStr("k"),
        llm_model="fake",
        openai_base_url=upstream.base_url,
    )
    made = make_answer_model(settings.answer_model)
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


CALLS = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]
DELTAS_SEEN = st.fixed_dictionaries(
    {"content": st.none() | st.text(max_size=8)},
    optional={
        "role": st.sampled_from(["assistant", "user", "system", "tool", "", None]),
        "refusal": st.sampled_from([None, "no"]),
        "reasoning_content": st.sampled_from([None, "", "hm"]),
        "tool_calls": st.sampled_from([None, [], CALLS]),
        "tool_call_id": st.just("c"),
    },
)
CHUNKS_SEEN = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {"index": st.just(0), "delta": DELTAS_SEEN},
                optional={
                    "finish_reason": st.sampled_from([None, "stop", "length"]),
                    "logprobs": st.sampled_from([None, {"content": []}]),
                },
            ),
            max_size=2,
        )
    },
    optional={
        "id": st.just("chatcmpl"),
        "model": st.just("fake"),
        "usage": st.sampled_from(
            [None, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}]
        ),
    },
)


@given(chunk=CHUNKS_SEEN)
def test_a_chunk_is_what_langchain_makes_of_it(chunk: dict[str, object]) -> None:
    ours = MergingChatOpenAI(model="fake", api_key=SecretStr("k"))
    made = ours._convert_chunk_to_generation_chunk(chunk, AIMessageChunk, {})
    theirs = ChatOpenAI._convert_chunk_to_generation_chunk(ours, chunk, AIMessageChunk, {})
    assert made == theirs
    if made is not None and theirs is not None:
        assert type(made.message) is type(theirs.message)
        assert made.model_dump() == theirs.model_dump()
        assert made.text == theirs.text


def test_chunks_share_nothing() -> None:
    model = MergingChatOpenAI(model="fake", api_key=SecretStr("k"))
    chunk = {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    one, other = (
        model._convert_chunk_to_generation_chunk(dict(chunk), AIMessageChunk, {}) for _ in range(2)
    )
    assert one is not None
    assert other is not None
    for name, value in vars(one.message).items():
        if isinstance(value, list | dict):
            assert value is not vars(other.message)[name], name


async def test_both_paths_send_the_same_request(upstream: FakeOpenAI) -> None:
    turns = [SystemMessage("Cite."), HumanMessage("Why?"), AIMessage("So."), HumanMessage("And?")]
    for fast in (True, False):
        settings = Settings(
            llm_fast_path=fast,
            llm_provider="openai",
            openai_api_key=SecretStr("k"),
            llm_model="fake",
            openai_base_url=upstream.base_url,
        )
        made = make_answer_model(settings.answer_model)
        async for _ in made.chat.astream(turns):
            pass
        await made.chat.ainvoke(turns, stream=False)
        await made.aclose()
    streamed, whole, *stock = (record.body for record in upstream.requests)
    assert stock == [streamed, whole]
