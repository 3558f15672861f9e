"""Streams a model as LangChain does, without keeping the chunks."""

import gc
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from langchain_core.callbacks import (
    AsyncCallbackHandler,
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
)
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, LLMResult
from pydantic import Field
from typing_extensions import override

from app.llm.fast_path.streaming_models import StreamingChatModel

TOKENS = [f" word{number}" for number in range(200)]
USAGE = UsageMetadata(input_tokens=7, output_tokens=200, total_tokens=207)


class Words(FakeListChatModel):
    """Streams `TOKENS` as LangChain does; fails after `fails_after` of them."""

    responses: list[str] = Field(default_factory=lambda: [""])
    fails_after: int = len(TOKENS)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for token in TOKENS[: self.fails_after]:
            yield ChatGenerationChunk(message=AIMessageChunk(content=token))
        if self.fails_after < len(TOKENS):
            raise ConnectionError("cut")
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=USAGE),
            generation_info={"finish_reason": "stop"},
        )


class ForgetfulWords(StreamingChatModel, Words):
    """The same, without keeping them."""


class Told(AsyncCallbackHandler):
    """The calls that a callback receives."""

    def __init__(self) -> None:
        self.tokens: list[object] = []
        self.ended: list[LLMResult] = []
        self.failed: list[str] = []

    @override
    async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)

    @override
    async def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.ended.append(response)

    @override
    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        partial = cast("LLMResult", kwargs["response"]).generations[0][0].text
        self.failed.append(f"{type(error).__name__} after {len(partial)}")


class ToldAtOnce(BaseCallbackHandler):
    """The same for a callback that is not a coroutine."""

    def __init__(self) -> None:
        self.tokens: list[object] = []

    @override
    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)


def last(told: Told) -> AIMessage:
    [result] = told.ended
    message = getattr(result.generations[0][0], "message", None)
    assert isinstance(message, AIMessage)
    return message


async def test_callbacks_are_told_what_langchain_tells_them() -> None:
    theirs, ours, at_once = Told(), Told(), ToldAtOnce()
    read = [chunk async for chunk in Words().astream("?", {"callbacks": [theirs]})]
    got = [c async for c in ForgetfulWords().astream("?", {"callbacks": [ours, at_once]})]
    assert "".join(c.text for c in got) == "".join(c.text for c in read) == "".join(TOKENS)
    # LangChain adds an empty chunk at the end.
    assert ours.tokens == at_once.tokens == theirs.tokens[:-1]
    for message in (last(theirs), last(ours)):
        assert message.text == "".join(TOKENS)
        assert message.usage_metadata == USAGE
        assert message.response_metadata["finish_reason"] == "stop"


async def test_events_of_a_graph_are_those_of_langchain() -> None:
    async def events(model: BaseChatModel) -> list[tuple[str, str]]:
        told = model.astream_events("?", version="v2")
        return [
            (event["event"], event["data"]["chunk"].text if "chunk" in event["data"] else "")
            async for event in told
            if event["event"] != "on_chat_model_stream" or event["data"]["chunk"].text
        ]

    assert await events(ForgetfulWords()) == await events(Words())


async def test_an_error_is_told_with_what_was_said_before_it() -> None:
    told = Told()
    with pytest.raises(ConnectionError):
        async for _ in ForgetfulWords(fails_after=3).astream("?", {"callbacks": [told]}):
            pass
    assert told.failed == [f"ConnectionError after {len(''.join(TOKENS[:3]))}"]
    assert not told.ended


async def test_leaving_early_is_told_as_an_error() -> None:
    told = Told()
    stream = ForgetfulWords().astream("?", {"callbacks": [told]})
    async with aclosing(cast("Any", stream)) as chunks:
        await anext(chunks)
    assert told.failed == [f"GeneratorExit after {len(TOKENS[0])}"]


async def test_what_was_streamed_is_not_kept() -> None:
    seen = 0
    async for _ in ForgetfulWords().astream("?"):
        seen += 1
        if seen == len(TOKENS):
            held = [o for o in gc.get_objects() if isinstance(o, ChatGenerationChunk)]
            assert len(held) < 5
            return
    pytest.fail("it ended too early")
