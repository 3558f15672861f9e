"""The fast path emits the same graph events, in the same order, with the same end."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest
from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.event_stream import _AstreamEventsCallbackHandler

from app.llm.fast_path.event_queue import EventQueue
from app.llm.fast_path.inline_callbacks import InlineCallbackManager

MODEL = FakeListChatModel(responses=["one two three"])


async def _node(text: str) -> str:
    answer = [chunk.text async for chunk in MODEL.astream(text)]
    await asyncio.sleep(0)
    return "".join(answer).upper()


async def _broken(text: str) -> str:
    await _node(text)
    raise ValueError("no more")


def _told(node: Any, manager: AsyncCallbackManager) -> Any:
    chain = RunnableLambda(node) | RunnableLambda(node)
    events = chain.astream_events("?", config={"callbacks": manager}, version="v2")
    return aclosing(cast("Any", events))


async def _events(manager: AsyncCallbackManager) -> list[tuple[str, str, str]]:
    async with _told(_node, manager) as events:
        return [(e["event"], e["name"], str(e["data"].get("chunk", ""))) async for e in events]


async def test_the_events_are_those_that_langchain_tells() -> None:
    ours, theirs = await _events(InlineCallbackManager([])), await _events(AsyncCallbackManager([]))
    assert [event[:2] for event in ours] == [event[:2] for event in theirs]
    assert len(ours) > len("one two three") * 2


async def test_the_stream_of_events_is_replaced() -> None:
    """By its attributes, which an upgrade may rename: then it would silently be slow."""
    handler = _AstreamEventsCallbackHandler()
    InlineCallbackManager([]).add_handler(handler)
    told, read = vars(handler)["send_stream"], vars(handler)["receive_stream"]
    assert isinstance(told, EventQueue)
    assert read is told


async def test_what_was_told_before_a_failure_is_read() -> None:
    seen: list[str] = []

    async def read() -> None:
        async with _told(_broken, InlineCallbackManager([])) as events:
            async for event in events:
                seen.append(event["event"])  # noqa: PERF401 - as far as it comes

    with pytest.raises(ValueError, match="no more"):
        await read()
    assert seen.count("on_chat_model_stream") >= len("one two three")


async def test_a_reader_that_leaves_ends_what_tells() -> None:
    stopped = asyncio.Event()

    async def waits(text: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return text

    async with _told(waits, InlineCallbackManager([])) as events:
        await anext(events)
        await asyncio.sleep(0.01)
    assert stopped.is_set()
