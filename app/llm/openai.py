"""OpenAI and everything that speaks its Chat Completions: OpenRouter, vLLM, Ollama, a gateway."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx2

from app.domain.errors import SettingError
from app.domain.setting_values import split_query
from app.llm.answer_model import OPENAI_URL, AnswerModel, ModelSettings
from app.llm.fast_path.completions import MergingChatOpenAI, MergingCompletions
from app.llm.fast_path.transport import ModelTransport
from app.llm.quirks import Quirks

_CONNECT_S = 10.0


def make(settings: ModelSettings) -> AnswerModel:
    """The model behind `OPENAI_BASE_URL`. Opens no connection."""
    if not settings.llm_model:
        raise SettingError("LLM_MODEL: got nothing, takes the model's name at your endpoint")
    base_url = settings.openai_base_url or OPENAI_URL
    host = _host(base_url)
    base_url, query = split_query(base_url)
    transport = ModelTransport(proxy=settings.proxies.url_for(base_url))
    key = settings.openai_api_key
    chat = MergingChatOpenAI(
        model=settings.llm_model,
        # A callable: given a string, langchain also builds a synchronous client nobody uses.
        api_key=_key(key.get_secret_value() if key else "none"),
        base_url=base_url,
        default_query=query,
        # The answering policy decides on retries and on how long silence may last.
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        stream_chunk_timeout=None,
        stream_usage=True,
        use_responses_api=False,
        http_async_client=httpx2.AsyncClient(transport=transport, follow_redirects=True),
        # Read from the environment unless given; a proxy is the transport's business.
        openai_proxy=None,
        http_socket_options=(),
    )
    quirks = Quirks()
    chat.async_client = MergingCompletions(chat.root_async_client, quirks)
    return AnswerModel(
        chat=chat,
        name=settings.llm_model,
        provider="openai",
        label=settings.llm_model,
        sends_to=host,
        address=base_url,
        can_judge=True,
        key_setting="OPENAI_API_KEY",
        has_key=key is not None,
        close=transport.aclose,
        quirks=quirks,
    )


def _key(value: str) -> Callable[[], Awaitable[str]]:
    async def key() -> str:
        return value

    return key


def _host(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
