"""Chat models that do not keep the chunks they streamed.

LangChain's own `astream` keeps every chunk until the answer ends (some 3 KB a token, traversed by
every full garbage collection for up to 0.2 s), merges them on the event loop at the end, and starts
a task per token for callbacks. Here a token costs its message and one call; callbacks receive the
same events.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar, cast

from langchain_core.callbacks import (
    AsyncCallbackHandler,
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, LLMResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from typing_extensions import override

from app.domain.ports import RETRACTED
from app.llm.fast_path.versions import LANGCHAIN_CORE

WRITTEN_FOR: Final = (LANGCHAIN_CORE,)

C = TypeVar("C", bound=BaseChatModel)


class StreamingChatModel(BaseChatModel):
    """A base for chat models that have an `_astream` of AI messages."""

    @override
    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """The message of each chunk. Closing it closes the model's stream."""
        messages = self._convert_input(input).to_messages()
        run = await self._begin(messages, ensure_config(config), stop, kwargs)
        direct = [one for one in run.handlers if isinstance(one, AsyncCallbackHandler)]
        at_once = len(direct) == len(run.handlers)
        handlers = [one for one in direct if not one.ignore_llm]
        whole = _Whole()
        try:
            async for chunk in self._astream(messages, stop=stop, **kwargs):
                message = chunk.message
                if not isinstance(message, AIMessageChunk):
                    raise TypeError(f"a chat model streamed {type(message).__name__}")
                if chunk.generation_info:
                    message.response_metadata = chunk.generation_info | message.response_metadata
                whole.add(message)
                if at_once:
                    for handler in handlers:
                        await handler.on_llm_new_token(
                            chunk.text,
                            chunk=chunk,
                            run_id=run.run_id,
                            parent_run_id=run.parent_run_id,
                            tags=run.tags,
                        )
                else:
                    await run.on_llm_new_token(chunk.text, chunk=chunk)
                yield message
        except BaseException as error:
            await run.on_llm_error(error, response=whole.result())
            raise
        await run.on_llm_end(whole.result())

    async def _begin(
        self,
        messages: list[BaseMessage],
        config: RunnableConfig,
        stop: list[str] | None,
        kwargs: dict[str, Any],
    ) -> AsyncCallbackManagerForLLMRun:
        params = self._get_invocation_params(stop=stop, **kwargs)
        about = self._get_ls_params(stop=stop, **kwargs)
        manager = AsyncCallbackManager.configure(
            config.get("callbacks"),
            self.callbacks,
            self.verbose,
            config.get("tags"),
            self.tags,
            {**(config.get("metadata") or {}), **about},
            self.metadata,
        )
        [run] = await manager.on_chat_model_start(
            self._serialized,
            [messages],
            invocation_params=params,
            options={"stop": stop},
            name=config.get("run_name"),
            run_id=config.pop("run_id", None),
            batch_size=1,
        )
        return run


def with_short_astream(chat: type[C]) -> type[C]:
    """`chat` with the `astream` of `StreamingChatModel`."""
    return cast("type[C]", _streaming(chat))


@cache
def _streaming(chat: type[BaseChatModel]) -> type[BaseChatModel]:
    return type(chat.__name__, (StreamingChatModel, chat), {"__module__": chat.__module__})


@dataclass(slots=True)
class _Whole:
    """The final event for callbacks: the answer as one message."""

    texts: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    usage: UsageMetadata | None = None

    def add(self, message: AIMessageChunk) -> None:
        content = message.content
        if RETRACTED in message.response_metadata:
            self.texts.clear()
        if content:
            self.texts.append(content if type(content) is str else message.text)
        if message.response_metadata:
            self.metadata |= message.response_metadata
        self.usage = message.usage_metadata or self.usage

    def result(self) -> LLMResult:
        message = AIMessageChunk(
            content="".join(self.texts),
            response_metadata=self.metadata,
            usage_metadata=self.usage,
            chunk_position="last",
        )
        return LLMResult(generations=[[ChatGenerationChunk(message=message)]])
