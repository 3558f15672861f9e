"""ChatOpenAI with a shorter path from socket to chunk.

The SDK still sends and signs the request and raises its errors for refusals. The stream is read
here: frames that arrived together are merged, and no SDK objects are built for them.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI
from openai import AsyncOpenAI, AsyncStream
from typing_extensions import override

from app.llm.completions import Completions, mark
from app.llm.fast_path.aiohttp_transport import BODY
from app.llm.fast_path.streaming_models import StreamingChatModel
from app.llm.fast_path.unvalidated import assembled
from app.llm.fast_path.versions import LANGCHAIN_OPENAI, OPENAI, PYDANTIC
from app.llm.quirks import Quirks
from app.llm.response_body import read_chunks
from app.llm.sse_coalescer import Chunk, plain_text

if TYPE_CHECKING:
    import httpx2

WRITTEN_FOR: Final = (LANGCHAIN_OPENAI, OPENAI, PYDANTIC)

_FOR_THE_SDK: Final = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})
"""Arguments that are no part of the body."""


class MergedStream(AsyncStream[object]):
    """The chunks of one answer as plain dicts. Closing it closes its connection."""

    quirks: ClassVar = Quirks()

    @override
    def __aiter__(self) -> AsyncIterator[object]:
        """Iterates without the SDK's wrapping generator."""
        return self._iterator

    @override
    def __stream__(self) -> AsyncIterator[object]:
        response = self.response
        return read_chunks(self._reads(), response.request, self.quirks, close=response.aclose)

    def _reads(self) -> AsyncGenerator[bytes, None]:
        """The body in the pieces in which it arrives."""
        if self.response.headers.get("content-encoding", "identity") != "identity":
            return self.response.aiter_bytes()
        stream: httpx2.AsyncByteStream = self.response.extensions.get(BODY, self.response.stream)
        return cast("AsyncGenerator[bytes, None]", stream.__aiter__())


class MergingCompletions(Completions):
    """What ChatOpenAI calls for Chat Completions."""

    def __init__(self, client: AsyncOpenAI, quirks: Quirks) -> None:
        super().__init__(client, quirks)
        self._stream_class = type("MergedStream", (MergedStream,), {"quirks": quirks})

    @override
    async def _open(self, payload: dict[str, Any]) -> object:
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

    def __getattr__(self, name: str) -> object:
        return getattr(self._completions, name)


_OWN_ROLES: Final = ("assistant", "", None)
_EMPTY: Final = AIMessageChunk(content="")
_MESSAGE: Final = vars(_EMPTY)
_CHUNK: Final = vars(ChatGenerationChunk(message=_EMPTY))
"""Fields shared by all text chunks: validating each would cost more than sending it."""


class MergingChatOpenAI(StreamingChatModel, ChatOpenAI):
    """ChatOpenAI whose streams are merged where they fall behind."""

    @override
    def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        """ChatOpenAI's choice of an API, without its wrapping generator."""
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
        """LangChain's message of a text chunk, built without validation; None for other chunks."""
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
