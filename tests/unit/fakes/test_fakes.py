"""The fake OpenAI server behaves as scripted towards real clients."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import openai
import orjson
import pytest
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic import SecretStr

from tests.fakes.openai_server import FakeOpenAI, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.http_body import Ending

pytestmark = pytest.mark.asyncio

QUESTION = "[1] Tides follow the moon.\n[2] Sand is coarse.\nWhat do tides follow?"
LETTERS = ["a", "b", "c", "d", "e"]


@asynccontextmanager
async def sdk(upstream: FakeOpenAI) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=upstream.base_url, api_key="x", max_retries=0) as client:
        yield client


@asynccontextmanager
async def langchain(upstream: FakeOpenAI) -> AsyncIterator[ChatOpenAI]:
    """With a separate HTTP client: LangChain's shared one would outlive the event loop."""
    async with openai.DefaultAsyncHttpxClient() as http:
        yield ChatOpenAI(
            base_url=upstream.base_url,
            api_key=SecretStr("x"),
            model="fake",
            max_retries=0,
            stream_usage=True,
            http_async_client=http,
        )


def asked(*, stream: bool = True, **more: object) -> dict[str, Any]:
    messages = [{"role": "user", "content": QUESTION}]
    return {"model": "fake", "stream": stream, "messages": messages, **more}


async def post(upstream: FakeOpenAI, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{upstream.base_url}/chat/completions", json=body)


async def read_raw(upstream: FakeOpenAI, pieces: list[bytes]) -> None:
    """Fills `pieces` with the body's transfer chunks, also when the stream then breaks."""
    url = f"{upstream.base_url}/chat/completions"
    async with (
        httpx.AsyncClient() as client,
        client.stream("POST", url, json=asked()) as response,
    ):
        async for piece in response.aiter_raw():
            pieces.append(piece)  # noqa: PERF401


def frames(body: bytes) -> list[Any]:
    lines = [line for line in body.decode().splitlines() if line.startswith("data: {")]
    return [orjson.loads(line.removeprefix("data: ")) for line in lines]


def contents(body: bytes) -> list[Any]:
    deltas = [choice["delta"] for frame in frames(body) for choice in frame["choices"]]
    return [delta["content"] for delta in deltas if delta.get("content")]


async def test_default_answer_cites_the_first_passage_in_word_pieces() -> None:
    async with FakeOpenAI() as upstream, sdk(upstream) as client:
        stream = await client.chat.completions.create(**asked())
        chunks = [chunk async for chunk in stream]
        record = await upstream.wait_for(lambda r: r.finished_at is not None)
    pieces = [c.choices[0].delta.content or "" for c in chunks]
    assert "".join(pieces) == "According to the sources, Tides follow the moon [1]."
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert record.tokens_sent == len([p for p in pieces if p])
    assert record.completed
    assert record.closed_by_client_at is None
    assert record.prompt == QUESTION


async def test_langchain_gets_text_and_usage() -> None:
    async with FakeOpenAI() as upstream, langchain(upstream) as model:
        upstream.script(Reply(tokens=LETTERS))
        chunks = [chunk async for chunk in model.astream("three words here")]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.text == "abcde"
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["input_tokens"] == 3
    assert whole.usage_metadata["output_tokens"] == 5


async def test_usage_is_only_sent_when_asked_for() -> None:
    async with FakeOpenAI() as upstream:
        without = await post(upstream, asked())
        with_usage = await post(upstream, asked(stream_options={"include_usage": True}))
        upstream.script(Reply(usage=False))
        withheld = await post(upstream, asked(stream_options={"include_usage": True}))
    counts = [
        [f["usage"] for f in frames(r.content) if f.get("usage")] for r in (without, withheld)
    ]
    assert counts == [[], []]
    assert frames(with_usage.content)[-1]["usage"]["prompt_tokens"] == len(QUESTION.split())


async def test_closing_the_client_mid_stream_is_recorded() -> None:
    async with FakeOpenAI() as upstream, langchain(upstream) as model:
        upstream.script(Reply(length=1_000, pace_s=0.01))
        async with aclosing(model.astream(QUESTION)) as stream:  # type: ignore[type-var]
            async for _ in stream:
                break
        record = await upstream.wait_for(lambda r: r.finished_at is not None)
    assert record.closed_by_client_at is not None
    assert record.tokens_sent < 1_000
    assert not record.completed


@pytest.mark.parametrize(
    "reply",
    [
        Reply(headers_delay_s=60),
        Reply(first_token_delay_s=60),
        Reply(stall_after=0),
        Reply(stall_after=2),
        Reply(first_token_delay_s=60, comment_every_s=0.005),
    ],
)
async def test_a_close_ends_every_kind_of_silence(reply: Reply) -> None:
    async with FakeOpenAI() as upstream, httpx.AsyncClient(timeout=0.1) as client:
        upstream.script(reply)
        if reply.comment_every_s is None:
            with pytest.raises(httpx.ReadTimeout):
                await client.post(f"{upstream.base_url}/chat/completions", json=asked())
        else:
            url = f"{upstream.base_url}/chat/completions"
            async with client.stream("POST", url, json=asked()) as response:
                lines = response.aiter_lines()
                assert await anext(lines) == ": keep-alive"
        record = await upstream.wait_for(lambda r: r.finished_at is not None)
    assert record.closed_by_client_at is not None
    assert record.tokens_sent == (reply.stall_after or 0)
    assert (record.first_byte_at is None) == bool(reply.headers_delay_s)


@pytest.mark.parametrize("cut", ["end", "close"])
async def test_a_clean_truncation_is_no_error_for_clients(cut: Ending) -> None:
    async with FakeOpenAI() as upstream, langchain(upstream) as model:
        upstream.always(Reply(tokens=LETTERS, cut_after=2, cut=cut))
        response = await post(upstream, asked())
        chunks = [chunk async for chunk in model.astream(QUESTION)]
    assert contents(response.content) == ["a", "b"]
    assert b"[DONE]" not in response.content
    assert "".join(chunk.text for chunk in chunks) == "ab"
    assert all(not chunk.response_metadata.get("finish_reason") for chunk in chunks)
    assert not any(record.completed for record in upstream.requests)


@pytest.mark.parametrize(
    ("cut", "error"), [("drop", httpx.RemoteProtocolError), ("reset", httpx.ReadError)]
)
async def test_a_broken_connection_is_an_error_after_the_tokens(
    cut: Ending, error: type[Exception]
) -> None:
    pieces: list[bytes] = []
    async with FakeOpenAI() as upstream:
        upstream.script(Reply(tokens=LETTERS, pace_s=0.005, cut_after=3, cut=cut))
        with pytest.raises(error):
            await read_raw(upstream, pieces)
        record = await upstream.wait_for(lambda r: r.finished_at is not None)
    assert contents(b"".join(pieces)) == ["a", "b", "c"]
    assert record.tokens_sent == 3
    assert record.closed_by_client_at is None


async def test_a_reset_reaches_the_sdk_as_a_connection_error() -> None:
    async with FakeOpenAI() as upstream, langchain(upstream) as model:
        upstream.script(Reply(tokens=LETTERS, pace_s=0.005, cut_after=3, cut="reset"))
        texts: list[str] = []
        with pytest.raises(Exception, match=r"(?i)read|connection|reset|peer"):  # noqa: PT012
            async for chunk in model.astream(QUESTION):
                texts.append(chunk.text)  # noqa: PERF401
    assert "".join(texts) == "abc"


async def test_missing_done_and_missing_finish_reason() -> None:
    async with FakeOpenAI() as upstream:
        upstream.script(
            Reply(tokens=LETTERS, done=False), Reply(tokens=LETTERS, finish_reason=None)
        )
        without_done = (await post(upstream, asked())).content
        without_reason = (await post(upstream, asked())).content
    assert b"[DONE]" not in without_done
    assert b'"finish_reason":"stop"' in without_done
    assert without_reason.endswith(b"data: [DONE]\n\n")
    assert b'"finish_reason":"stop"' not in without_reason


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (401, openai.AuthenticationError),
    ],
)
async def test_error_statuses(status: int, error: type[openai.APIStatusError]) -> None:
    async with FakeOpenAI() as upstream, sdk(upstream) as client:
        upstream.script(Reply(status=status, retry_after="7", error_code="told_to"))
        with pytest.raises(error) as raised:
            await client.chat.completions.create(**asked())
        again = await client.chat.completions.create(**asked(stream=False))
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.code == "told_to"
    assert again.choices[0].finish_reason == "stop"
    assert [r.status for r in upstream.requests] == [status, 200]


async def test_malformed_json_and_error_frames_mid_stream() -> None:
    async with FakeOpenAI() as upstream, langchain(upstream) as model:
        upstream.script(Reply(tokens=LETTERS, malformed_at=1), Reply(tokens=LETTERS, error_at=2))
        with pytest.raises(ValueError, match=r"(?i)json|unterminated|string"):
            [chunk async for chunk in model.astream(QUESTION)]
        with pytest.raises(openai.APIError, match="scripted failure"):
            [chunk async for chunk in model.astream(QUESTION)]
        upstream.script(Reply(malformed_at=0))
        with pytest.raises(ValueError, match=r"(?i)json|unterminated|char|string"):
            (await post(upstream, asked(stream=False))).json()


async def test_refusing_to_stream_but_answering_whole() -> None:
    async with FakeOpenAI() as upstream, sdk(upstream) as client:
        upstream.always(Reply(tokens=LETTERS, refuse_stream=True))
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(**asked())
        whole = await client.chat.completions.create(**asked(stream=False))
    assert raised.value.param == "stream"
    assert whole.choices[0].message.content == "abcde"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 5


async def test_shapes_of_other_models() -> None:
    reply = Reply(
        tokens=["a", "b"],
        reasoning=["hm", "mm"],
        tool_call=("look_up", '{"term": "tides"}'),
        content_parts=True,
        empty_choices=2,
        newline="\r\n",
    )
    async with FakeOpenAI() as upstream:
        upstream.always(reply)
        body = (await post(upstream, asked())).content
        whole = (await post(upstream, asked(stream=False))).json()
    choices = [frame["choices"] for frame in frames(body)]
    deltas = [choice[0]["delta"] for choice in choices if choice]
    calls = [c["function"] for d in deltas for c in d.get("tool_calls", [])]
    assert choices[:2] == [[], []]
    assert [d["reasoning_content"] for d in deltas if "reasoning_content" in d] == ["hm", "mm"]
    assert contents(body)[0] == [{"type": "text", "text": "a"}]
    assert calls[0]["name"] == "look_up"
    assert "".join(c["arguments"] for c in calls) == '{"term": "tides"}'
    assert choices[-1][0]["finish_reason"] == "tool_calls"
    assert body.count(b"\r\n\r\n") == len(choices) + 1
    assert whole["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "look_up"
    assert whole["choices"][0]["message"]["reasoning_content"] == "hmmm"


async def test_bytes_are_split_and_joined_as_told() -> None:
    async with FakeOpenAI() as upstream:
        bodies: list[list[bytes]] = []
        for reply in (
            Reply(tokens=LETTERS),
            Reply(tokens=LETTERS, trickle=1),
            Reply(tokens=LETTERS, split_at=(3, 7)),
            Reply(tokens=LETTERS, frames_per_chunk=4),
        ):
            upstream.script(reply)
            bodies.append([])
            await read_raw(upstream, bodies[-1])
    texts = [contents(b"".join(body)) for body in bodies]
    plain, trickled, split, joined = bodies
    assert texts == [LETTERS] * 4
    assert [len(piece) for piece in split[:2]] == [3, 4]
    assert {len(piece) for piece in trickled} == {1}
    assert len(split) == len(plain) + 2
    assert [piece.count(b"data: ") for piece in joined] == [4, 4]


async def test_rules_come_before_the_queue_and_the_queue_before_the_default() -> None:
    async with FakeOpenAI() as upstream:
        upstream.always(Reply(tokens=["default"]))
        upstream.script(Reply(tokens=["queued"]))
        upstream.when(lambda r: "moon" in r.prompt and not r.stream, Reply(tokens=["ruled"]))
        texts = []
        for stream in (False, True, True):
            response = await post(upstream, asked(stream=stream))
            texts.append(response.text)
    said = [next(w for w in ("ruled", "queued", "default") if w in text) for text in texts]
    assert said == ["ruled", "queued", "default"]
