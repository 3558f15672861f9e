"""Hybrid search (lexical and dense) over what the principal can read."""

from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from app.domain.library_ports import PassageIndex
from app.domain.models import Filters, SearchResult
from app.domain.ports import Embedder
from app.domain.principals import Principal
from app.search.dedup import deduplicate
from app.search.query_terms import without_request_words

MAX_QUERY_LENGTH: Final = 8000  # characters; the model sees 256 word pieces of them


@runtime_checkable
class QueryExpecting(Protocol):
    """An embedder that can start before the result is needed."""

    def expect_query(self, text: str) -> None:
        """Start embedding `text` and cache the result."""
        ...


class HybridSearch:
    """Implements `PassageSearch` over an index that does both searches and their fusion."""

    def __init__(self, index: PassageIndex, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder

    def expect(self, query: str) -> None:
        """Start embedding a query in advance, if the embedder supports it."""
        if isinstance(self._embedder, QueryExpecting):
            self._embedder.expect_query(_embedding_input(query))

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        """At most `limit` candidates, best first, no text twice. Raises `StoreUnavailable`.

        A query without known words (another script, only stop words) uses dense search alone.
        """
        text = _embedding_input(query)
        found = await self._index.search(
            principal,
            without_request_words(text),
            self._embedder.embed_query(text),
            embedder=self._embedder.name,
            filters=filters,
            limit=limit,
        )
        return replace(found, candidates=deduplicate(text, found.candidates))


def _embedding_input(query: str) -> str:
    """The part of a query that is embedded."""
    return query.encode(errors="replace").decode()[:MAX_QUERY_LENGTH]
