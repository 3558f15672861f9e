"""OpenAI and services compatible with its Chat Completions: OpenRouter, vLLM, Ollama, gateways."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from typing_extensions import override

from app.domain.adapter_settings import ModelSettings
from app.domain.errors import SettingError
from app.domain.setting_values import split_query
from app.llm.answer_model import OPENAI_URL, AnswerModel
from app.llm.completions import generate, stream_generations
from app.llm.fast_path.versions import is_usable
from app.llm.path_selection import make_completions, make_transport
from app.llm.quirks import Quirks

_CONNECT_S = 10.0


def make(settings: ModelSettings) -> AnswerModel:
    """The model behind `OPENAI_BASE_URL`. Opens no connection."""
    if not settings.name:
        raise SettingError("LLM_MODEL: got nothing, takes the model's name at your endpoint")
    base_url = settings.base_url or OPENAI_URL
    host = _host(base_url)
    base_url, query = split_query(base_url)
    fast = is_usable(settings.fast_path)
    transport = make_transport(proxy=settings.proxies.url_for(base_url), fast=fast)
    key = settings.api_key
    chat = _chat_class(fast=fast)(
        model=settings.name,
        # A callable, because for a string LangChain also builds an unused synchronous client.
        api_key=_key(key.get_secret_value() if key else "none"),
        base_url=base_url,
        default_query=query,
        # Retries and timeouts are handled in answering.py.
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        stream_chunk_timeout=None,
        stream_usage=True,
        use_responses_api=False,
        http_async_client=httpx2.AsyncClient(transport=transport, follow_redirects=True),
        # Set, because LangChain would read it from the environment; the transport handles proxies.
        openai_proxy=None,
        http_socket_options=(),
    )
    quirks = Quirks()
    chat.async_client = make_completions(chat.root_async_client, quirks, fast=fast)
    return AnswerModel(
        chat=chat,
        name=settings.name,
        provider="openai",
        label=settings.name,
        sends_to=host,
        address=base_url,
        can_judge=True,
        key_setting=settings.key_setting,
        has_key=key is not None,
        is_listed=settings.is_listed,
        context_window=settings.context_window,
        close=transport.aclose,
        quirks=quirks,
    )


class NormalizingChatOpenAI(ChatOpenAI):
    """ChatOpenAI with normalized answers, reasoning separated; `async_client` makes the calls.

    Overrides only what LangChain documents for custom chat models.
    """

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        options = {"stream_options": {"include_usage": True}, **kwargs}
        return stream_generations(self.async_client, self._body(messages, stop, options))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await generate(self.async_client, self._body(messages, stop, kwargs))

    def _body(
        self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        payload = {
            "model": self.model_name,
            "messages": convert_to_openai_messages(messages),
            **options,
        }
        return payload if stop is None else {**payload, "stop": stop}


def _chat_class(*, fast: bool) -> type[ChatOpenAI]:
    if not fast:
        return NormalizingChatOpenAI
    from app.llm.fast_path.completions import MergingChatOpenAI

    return MergingChatOpenAI


def _key(value: str) -> Callable[[], Awaitable[str]]:
    async def key() -> str:
        return value

    return key


def _host(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
