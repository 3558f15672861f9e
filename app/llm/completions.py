"""Chat Completions of one endpoint, through the public interface of the OpenAI SDK.

The SDK sends and signs the request and raises its errors for refusals; the body is read here, so
that the answers of all services are normalized.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final

import httpx2
import openai
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from openai import AsyncOpenAI
from pydantic import BaseModel

from app.domain.ports import DELTAS, ENDED, REASONING, RETRACTED
from app.llm.chunk_normalization import whole_answer
from app.llm.failures import NotAnAnswer
from app.llm.quirks import Quirks, quirk_of
from app.llm.response_body import check, read_chunks
from app.llm.sse_coalescer import Chunk

_MARKS: Final = (DELTAS, RETRACTED, ENDED)


class ChunkStream:
    """The chunks of one answer: `async with` it, then iterate. Exiting closes the connection."""

    def __init__(self, chunks: AsyncGenerator[Chunk, None], stack: AsyncExitStack) -> None:
        self._chunks = chunks
        self._stack = stack

    async def __aenter__(self) -> AsyncIterator[Chunk]:
        return self._chunks

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


class Completions:
    """Normalized streams of chunks and whole completions, both as plain dicts."""

    def __init__(self, client: AsyncOpenAI, quirks: Quirks) -> None:
        self._client = client
        self._completions = client.chat.completions
        self._quirks = quirks

    async def create(self, **payload: Any) -> Any:  # noqa: ANN401 - the SDK's signature
        """A stream of chunks, or the completion.

        Options that the service refuses are omitted from this request and all later ones.
        """
        quirks, refused, guess = self._quirks, None, None
        while True:
            sent = quirks.adapt(payload)
            try:
                return await (self._open(sent) if sent.get("stream") else self._whole(sent))
            except openai.APIStatusError as error:
                if guess is not None:  # the guess was wrong
                    setattr(quirks, guess, False)
                    raise refused or error from None
                quirk, is_guess = quirk_of(error, sent)
                if quirk is None:
                    raise
                setattr(quirks, quirk, True)
                refused, guess = error, quirk if is_guess else None

    async def _open(self, payload: dict[str, Any]) -> object:
        stack = AsyncExitStack()
        sent = self._completions.with_streaming_response.create(**payload)
        response = await stack.enter_async_context(sent)
        chunks = read_chunks(
            response.iter_bytes(),
            response.http_request,
            self._quirks,
            close=response.close,
        )
        stack.push_async_callback(chunks.aclose)
        return ChunkStream(chunks, stack)

    async def _whole(self, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._completions.create(**payload)
        except json.JSONDecodeError as error:
            raise NotAnAnswer("broken") from error
        body = response.model_dump(warnings=False) if isinstance(response, BaseModel) else response
        if isinstance(body, dict):
            check(body, httpx2.Request("POST", f"{self._client.base_url}chat/completions"))
        return whole_answer(body, self._quirks)


async def stream_generations(
    completions: Completions, payload: dict[str, Any]
) -> AsyncGenerator[ChatGenerationChunk, None]:
    """One streamed answer as LangChain chunks."""
    usage: UsageMetadata | None = None
    async with await completions.create(**{**payload, "stream": True}) as chunks:
        async for chunk in chunks:
            usage = usage_of(chunk.get("usage")) or usage
            yield _generation(chunk)
    # Services repeat running totals on each chunk: only the last is final. LangChain rejects a
    # stream without any chunk.
    yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=usage))


async def generate(completions: Completions, payload: dict[str, Any]) -> ChatResult:
    """One whole answer as a LangChain result."""
    whole = await completions.create(**{**payload, "stream": False})
    choice = whole["choices"][0]
    message = AIMessage(choice["message"]["content"], usage_metadata=usage_of(whole["usage"]))
    message.response_metadata = {"finish_reason": choice["finish_reason"]}
    mark(message, choice["message"])
    return ChatResult(generations=[ChatGeneration(message=message)])


def _generation(chunk: Chunk) -> ChatGenerationChunk:
    """The message of a normalized chunk."""
    choices = chunk["choices"]
    choice = choices[0] if choices else {"delta": {}}
    message = AIMessageChunk(content=choice["delta"].get("content") or "")
    if choice.get("finish_reason"):
        message.response_metadata["finish_reason"] = choice["finish_reason"]
    mark(message, chunk)
    info = dict(message.response_metadata)
    return ChatGenerationChunk(message=message, generation_info=info or None)


def usage_of(usage: dict[str, Any] | None) -> UsageMetadata | None:
    """The token counts of a normalized chunk or answer as LangChain metadata."""
    if not usage:
        return None
    given, made = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    return UsageMetadata(input_tokens=given, output_tokens=made, total_tokens=given + made)


def mark(message: BaseMessage, chunk: Chunk) -> None:
    """The metadata of a normalized chunk: everything but its text."""
    for name in _MARKS:
        if name in chunk:
            message.response_metadata[name] = chunk[name]
    if REASONING in chunk:
        message.additional_kwargs[REASONING] = chunk[REASONING]
