"""ChatOpenAI with a shorter way from the socket to the chunk.

The SDK still makes the request, signs it and turns refusals into its errors. The stream of an
answer is read here: frames that arrived together are merged, and no SDK object is made of them.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any, ClassVar, Final, cast

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI
from openai import AsyncOpenAI, AsyncStream
from pydantic import BaseModel
from typing_extensions import override

from app.domain.ports import DELTAS, ENDED, REASONING, RETRACTED
from app.domain.unvalidated import assembled
from app.llm.chunk_normalization import ChunkNormalizer, whole_answer, whole_chunks
from app.llm.failures import NotAnAnswer, ReportedError
from app.llm.fast_path.sse_coalescer import MAX_FRAME, Chunk, FrameMerger, plain_text
from app.llm.fast_path.streaming_models import StreamingChatModel
from app.llm.fast_path.transport import BODY
from app.llm.quirks import Quirks, quirk_of

_DRAIN_S: Final = 0.1
"""After `[DONE]`: for the end of the body, so that the connection can be kept."""

_FOR_THE_SDK: Final = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})
"""Arguments that are no part of the body."""

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_UNFRAMED: Final = (b"{", b"[", b"<")
"""How a body begins that is no event stream."""


class MergedStream(AsyncStream[object]):
    """The chunks of one answer as plain dicts. Closing it closes its connection."""

    quirks: ClassVar = Quirks()

    @override
    def __aiter__(self) -> AsyncIterator[object]:
        """Without the generator that the SDK puts around."""
        return self._iterator

    @override
    async def __stream__(self) -> AsyncIterator[object]:
        body = _Body(self.quirks, self.response.request)
        try:
            with _as_sdk_errors(self.response.request):
                async with aclosing(self._reads()) as reads:
                    async for data in reads:
                        for chunk in body.feed(data):
                            yield chunk
                        if body.over:
                            break
                    for chunk in body.close():
                        yield chunk
                    if body.over:
                        await _drain(reads)
        finally:
            await self.response.aclose()

    def _reads(self) -> AsyncGenerator[bytes, None]:
        """What arrives, in the pieces in which it arrives."""
        if self.response.headers.get("content-encoding", "identity") != "identity":
            return self.response.aiter_bytes()
        stream: httpx2.AsyncByteStream = self.response.extensions.get(BODY, self.response.stream)
        return cast("AsyncGenerator[bytes, None]", stream.__aiter__())


def check(body: Chunk, request: httpx2.Request, *, final: bool = True) -> None:
    """Raise what the service reports instead of an answer."""
    error = body.get("error") or (body if body.get("object") == "error" else None)
    if not error:
        return
    message = error.get("message") if isinstance(error, dict) else error
    if not isinstance(message, str) or not message:
        message = "An error occurred during streaming"
    raise ReportedError(message, request, body=error, final=final)


@contextmanager
def _as_sdk_errors(request: httpx2.Request) -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise openai.APITimeoutError(request=request) from error
    except httpx2.RequestError as error:
        raise openai.APIConnectionError(request=request) from error


class _Body:
    """What a success says: mostly a stream of frames. `feed` what is read, in order, then `close`.

    Both raise `NotAnAnswer`, and what the service reports instead of an answer.
    """

    def __init__(self, quirks: Quirks, request: httpx2.Request) -> None:
        self._quirks = quirks
        self._request = request
        self._merger = FrameMerger()
        self._normalizer = ChunkNormalizer(quirks)
        self._begun = False
        self._unframed: list[bytes] | None = None
        self._size = 0
        self.over = False  # nothing more is wanted

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The chunks that are whole now."""
        if not self._begun and (head := data.lstrip(_BLANK)):
            self._begun = True
            if head[:1] in _UNFRAMED:
                self._unframed = []
        if self._unframed is not None:
            self._size += len(data)
            if self._size > MAX_FRAME:
                raise NotAnAnswer("other")
            self._unframed.append(data)
            return
        merger, normalize = self._merger, self._normalizer.feed
        for chunk in merger.feed(data):
            if chunk.get("error") or chunk.get("object") == "error":
                check(chunk, self._request, final=False)
            yield from normalize(chunk)
        if merger.error is not None:
            raise NotAnAnswer("broken") from merger.error
        self.over = merger.done

    def close(self) -> Iterator[Chunk]:
        """The chunks that are left at the end."""
        if self._unframed is not None:
            yield from self._whole(b"".join(self._unframed).lstrip(_BLANK))
            return
        for chunk in self._merger.close():
            check(chunk, self._request, final=False)
            yield from self._normalizer.feed(chunk)
        yield from self._normalizer.close(ended=self._merger.done)

    def _whole(self, body: bytes) -> list[Chunk]:
        """Of a whole answer or an error in place of a stream, or the page of something else."""
        if body.startswith(b"<"):
            raise NotAnAnswer("page")
        try:
            given = json.loads(body.decode(errors="replace"))
        except ValueError as error:
            raise NotAnAnswer("broken") from error
        if isinstance(given, dict):
            check(given, self._request)
        return whole_chunks(given, self._quirks)


async def _drain(reads: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError, httpx2.RequestError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in reads:
                pass


class MergingCompletions:
    """What ChatOpenAI calls for Chat Completions."""

    def __init__(self, client: AsyncOpenAI, quirks: Quirks) -> None:
        self._client = client
        self._completions = client.chat.completions
        self._quirks = quirks
        self._stream_class = type("MergedStream", (MergedStream,), {"quirks": quirks})

    async def create(self, **payload: Any) -> object:  # noqa: ANN401 - as the SDK has it
        """A stream of merged chunks, or the completion as a dict in one form.

        What the service refuses of the request is left out, once and from then on.
        """
        quirks, refused, guess = self._quirks, None, None
        while True:
            sent = quirks.adapt(payload)
            try:
                return await self._send(sent)
            except openai.APIStatusError as error:
                if guess is not None:  # it was not that
                    setattr(quirks, guess, False)
                    raise refused or error from None
                quirk, is_guess = quirk_of(error, sent)
                if quirk is None:
                    raise
                setattr(quirks, quirk, True)
                refused, guess = error, quirk if is_guess else None

    async def _send(self, payload: dict[str, Any]) -> object:
        if not payload.get("stream"):
            return await self._whole(payload)
        if payload.keys() & _FOR_THE_SDK:
            return await self._completions.create(**payload)
        return await self._client.post(
            "/chat/completions",
            cast_to=object,
            body=payload,
            options={"security": {"bearer_auth": True}},
            stream=True,
            stream_cls=self._stream_class,
        )

    async def _whole(self, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._completions.create(**payload)
        except json.JSONDecodeError as error:
            raise NotAnAnswer("broken") from error
        body = response.model_dump(warnings=False) if isinstance(response, BaseModel) else response
        if isinstance(body, dict):
            check(body, httpx2.Request("POST", f"{self._client.base_url}chat/completions"))
        return whole_answer(body, self._quirks)

    def __getattr__(self, name: str) -> object:
        return getattr(self._completions, name)


_OWN_ROLES: Final = ("assistant", "", None)
_MARKS: Final = (DELTAS, RETRACTED, ENDED)
_EMPTY: Final = AIMessageChunk(content="")
_MESSAGE: Final = vars(_EMPTY)
_CHUNK: Final = vars(ChatGenerationChunk(message=_EMPTY))
"""What pieces of text have in common: validating each costs more than sending it."""


def mark(message: BaseMessage, chunk: Chunk) -> None:
    """What a normalized chunk says beside its text."""
    for name in _MARKS:
        if name in chunk:
            message.response_metadata[name] = chunk[name]
    if REASONING in chunk:
        message.additional_kwargs[REASONING] = chunk[REASONING]


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
        if made is not None:
            mark(made.message, chunk)
        return made

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        whole = await self.async_client.create(**{**payload, "stream": False})
        result = self._create_chat_result(whole)
        mark(result.generations[0].message, whole["choices"][0]["message"])
        return result

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
