"""Selects the parts of a model connection: stock or from `fast_path`.

`fast` is the result of `fast_path.versions.is_usable`. The modules of the fast path are imported
only then: another version of a library may break their import.
"""

from typing import TypeVar

import httpx2
from langchain_core.language_models import BaseChatModel
from openai import AsyncOpenAI

from app.llm.completions import Completions
from app.llm.model_transport import HttpxTransport
from app.llm.quirks import Quirks

C = TypeVar("C", bound=BaseChatModel)


def make_transport(*, proxy: str | None, fast: bool) -> httpx2.AsyncBaseTransport:
    """HTTP to a model service; its connections belong to the loop that opened them."""
    if not fast:
        return HttpxTransport(proxy=proxy)
    from app.llm.fast_path.aiohttp_transport import AiohttpTransport

    return AiohttpTransport(proxy=proxy)


def make_completions(client: AsyncOpenAI, quirks: Quirks, *, fast: bool) -> Completions:
    """Chat Completions by `client`."""
    if not fast:
        return Completions(client, quirks)
    from app.llm.fast_path.completions import MergingCompletions

    return MergingCompletions(client, quirks)


def streaming_class(chat: type[C], *, fast: bool) -> type[C]:
    """`chat`, with the `astream` of the fast path if that is enabled."""
    if not fast:
        return chat
    from app.llm.fast_path.streaming_models import with_short_astream

    return with_short_astream(chat)
