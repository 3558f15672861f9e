"""ChatOpenAI with a shorter way from the socket to the chunk.

The SDK still makes the request, signs it and turns refusals into its errors. The stream of an
answer is read here: frames that arrived together are merged, and no SDK object is made of them.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, Final, cast

import httpx2
import openai
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI
from openai import AsyncOpenAI, AsyncStream
from typing_extensions import override

from app.domain.assembling import assembled
from app.domain.ports import DELTAS
from app.llm.merging import Chunk, FrameMerger, plain_text
from app.llm.streaming import StreamingChatModel
from app.llm.transport import BODY

_DRAIN_S: Final = 0.1
"""After `[DONE]`: for the end of the body, so that the connection can be kept."""

_FOR_THE_SDK: Final = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})
"""Arguments that are no part of the body."""


class MergedStream(AsyncStream[object]):
    """The chunks of one answer as plain dicts. Closing it closes its connection."""

    @override
    def __aiter__(self) -> AsyncIterator[object]:
        """Without the generator that the SDK puts around."""
        return self._iterator

    @override
    async def __stream__(self) -> AsyncIterator[object]:
        merger = FrameMerger()
        try:
            async with aclosing(self._reads()) as reads:
                async for data in reads:
                    for chunk in merger.feed(data):
                        self._check(chunk)
                        yield chunk
                    if merger.error is not None:
                        raise merger.error
                    if merger.done:
                        await _drain(reads)
                        break
        except httpx2.TimeoutException as error:
            raise openai.APITimeoutError(request=self.response.request) from error
        except httpx2.RequestError as error:
            raise openai.APIConnectionError(request=self.response.request) from error
        finally:
            await self.response.aclose()

    def _reads(self) -> AsyncGenerator[bytes, None]:
        """What arrives, in the pieces in which it arrives."""
        if self.response.headers.get("content-encoding", "identity") != "identity":
            return self.response.aiter_bytes()
        stream: httpx2.AsyncByteStream = self.response.extensions.get(BODY, self.response.stream)
        return cast("AsyncGenerator[bytes, None]", stream.__aiter__())

    def _check(self, chunk: Chunk) -> None:
        """Raise what the service reports instead of an answer."""
        error = chunk.get("error")
        if not error:
            return
        message = error.get("message") if isinstance(error, dict) else None
        if not isinstance(message, str) or not message:
            message = "An error occurred during streaming"
        raise openai.APIError(message=message, request=self.response.request, body=error)


async def _drain(reads: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError, httpx2.RequestError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in reads:
                pass


class MergingCompletions:
    """What ChatOpenAI calls for Chat Completions."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self._completions = client.chat.completions

    async def create(self, **payload: Any) -> object:  # noqa: ANN401 - as the SDK has it
        """A stream of merged chunks, or the completion as the SDK has it."""
        if not payload.get("stream") or payload.keys() & _FOR_THE_SDK:
            return await self._completions.create(**payload)
        return await self._client.post(
            "/chat/completions",
            cast_to=object,
            body=payload,
            options={"security": {"bearer_auth": True}},
            stream=True,
            stream_cls=MergedStream,
        )

    def __getattr__(self, name: str) -> object:
        return getattr(self._completions, name)


_OWN_ROLES: Final = ("assistant", "", None)
_EMPTY: Final = AIMessageChunk(content="")
_MESSAGE: Final = vars(_EMPTY)
_CHUNK: Final = vars(ChatGenerationChunk(message=_EMPTY))
"""What pieces of text have in common: validating each costs more than sending it."""


class MergingChatOpenAI(StreamingChatModel, ChatOpenAI):
    """ChatOpenAI whose streams are merged where they fall behind."""

    @override
    def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        """ChatOpenAI's choice of an API, without the generator that it puts around."""
        if self._use_responses_api({**kwargs, **self.model_kwargs}):
            return super()._astream(*args, **kwargs)
        return BaseChatOpenAI._astream(self, *args, **kwargs)

    @override
    def _convert_chunk_to_generation_chunk(
        self, chunk: Chunk, default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = None
        if default_chunk_class is AIMessageChunk and not base_generation_info:
            made = self._plain(chunk)
        if made is None:
            made = super()._convert_chunk_to_generation_chunk(
                chunk, default_chunk_class, base_generation_info
            )
        if made is not None and DELTAS in chunk:
            made.message.response_metadata[DELTAS] = chunk[DELTAS]
        return made

    def _plain(self, chunk: Chunk) -> ChatGenerationChunk | None:
        """What LangChain makes of a piece of text, without validating it; None: something else."""
        text = plain_text(chunk)
        if text is None or self.output_version == "v1":
            return None
        if chunk["choices"][0]["delta"].get("role", "assistant") not in _OWN_ROLES:
            return None
        message = assembled(
            AIMessageChunk,
            {
                **_MESSAGE,
                "content": text,
                "additional_kwargs": {},
                "response_metadata": {"model_provider": "openai"},
                "tool_calls": [],
                "invalid_tool_calls": [],
                "tool_call_chunks": [],
            },
        )
        return assembled(ChatGenerationChunk, {**_CHUNK, "message": message, "text": text})
