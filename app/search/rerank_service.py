"""A reranking model behind a `/rerank` route, as Cohere, Jina, vLLM and others offer it.

`POST {base}/rerank` with `{model, query, documents, top_n}` answers
`{"results": [{"index", "relevance_score"}, …]}`, best first or in any order.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.adapter_settings import RerankSettings
from app.domain.models import Candidate, Passage, Reranked
from app.domain.ports import Reranker
from app.domain.proxies import ProxyRules
from app.domain.setting_values import with_path

log = logging.getLogger(__name__)

MAX_DOCUMENTS: Final = 50
"""Candidates sent to the service; the others keep their order after them."""
TIMEOUT_S: Final = 3.0
"""Total timeout: the first token waits for it."""
KEEP_ALIVE_S: Final = 30.0
PAUSE_S: Final = 30.0
"""After a failure the service is not called for this long."""

LATE: Final = "The reranking service did not answer in time: the built-in order holds."
FAILED: Final = "The reranking service failed: the built-in order holds."
PAUSED: Final = "The reranking service failed just now: the built-in order holds."


class _Result(BaseModel):
    """One document's score. Services send more, which is ignored."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    index: int = Field(ge=0)
    relevance_score: float


class _Answer(BaseModel):
    """The service's ranking; documents that it omits are the least relevant."""

    model_config = ConfigDict(frozen=True)

    results: tuple[_Result, ...] = Field(min_length=1)


class HttpReranker:
    """Implements `Reranker`: a service reorders the best candidates of another reranker.

    On failure the fallback reranker is used, and `note` gives the reason.
    """

    def __init__(
        self,
        fallback: Reranker,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        model: str,
        clock: Callable[[], float],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`client` brings the key with it; `clock` counts seconds."""
        self._fallback = fallback
        self._client = client
        self._url = with_path(base_url, "/rerank")
        self._model = model
        self._clock = clock
        self._timeout_s = timeout_s
        self._paused_until = -math.inf

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """All candidates, best first. The service's scores order the first 50."""
        first = await self._fallback.rerank(query, candidates)
        top, rest = first.candidates[:MAX_DOCUMENTS], first.candidates[MAX_DOCUMENTS:]
        if not top:
            return first
        if self._clock() < self._paused_until:
            return replace(first, note=PAUSED)
        try:
            async with asyncio.timeout(self._timeout_s):
                scores = await self._scores(query, [one.passage for one in top])
        except (httpx.HTTPError, TimeoutError, ValidationError, IndexError) as error:
            self._paused_until = self._clock() + PAUSE_S
            log.warning("The reranking service failed (%s)", _reason(error))
            late = isinstance(error, TimeoutError | httpx.TimeoutException)
            return replace(first, note=LATE if late else FAILED)
        floor = min(scores.values())
        unscored = [i for i in range(len(top)) if i not in scores]
        order = sorted(scores, key=lambda i: -scores[i])
        return Reranked(
            (
                *(replace(top[i], score=scores[i]) for i in order),
                *(replace(top[i], score=floor) for i in unscored),
                *(replace(one, score=floor) for one in rest),
            )
        )

    async def _scores(self, query: str, passages: Sequence[Passage]) -> dict[int, float]:
        """By place in `passages`. Raises for whatever is not an answer to this request."""
        response = await self._client.post(
            self._url,
            json={
                "model": self._model,
                "query": query,
                "documents": [_document(passage) for passage in passages],
                "top_n": len(passages),
            },
        )
        response.raise_for_status()
        results = _Answer.model_validate_json(response.content).results
        if any(result.index >= len(passages) for result in results):
            raise IndexError("the service scored a document that it was not sent")
        return {result.index: result.relevance_score for result in results}


def _document(passage: Passage) -> str:
    """The passage as it is embedded: after the title and heading that say what it is about."""
    parts = (passage.title, passage.heading, passage.text)
    return "\n".join(part for part in parts if part)


def _reason(error: Exception) -> str:
    """The error for the log, without text of questions or passages."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"status {error.response.status_code}"
    return type(error).__name__


def make_reranker(
    settings: RerankSettings,
    fallback: Reranker,
    *,
    client: httpx.AsyncClient | None,
    clock: Callable[[], float],
) -> Reranker:
    """`fallback`, with the configured service on top of it.

    `client` is that of `make_client`; `clock` counts seconds.
    """
    url, model = settings.base_url, settings.model
    if url is None or model is None or client is None:
        return fallback
    return HttpReranker(fallback, client, base_url=url, model=model, clock=clock)


def make_client(settings: RerankSettings, *, proxies: ProxyRules) -> httpx.AsyncClient | None:
    """For the configured service, None without one. Belongs to one event loop."""
    url, key = settings.base_url, settings.api_key
    if url is None:
        return None
    return httpx.AsyncClient(
        headers={"authorization": f"Bearer {key.get_secret_value()}"} if key else {},
        timeout=None,
        proxy=proxies.url_for(url),
        trust_env=False,
        verify=httpx.create_ssl_context(trust_env=True),  # SSL_CERT_FILE counts
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
    )
