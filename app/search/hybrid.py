"""Hybrid search: words and meaning, over what the principal may read."""

from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from app.domain.library_ports import PassageIndex
from app.domain.models import Filters, SearchResult
from app.domain.ports import Embedder
from app.domain.principals import Principal
from app.search.dedup import deduplicate
from app.search.query_terms import subject_of

MAX_QUERY_LENGTH: Final = 8000  # characters; the model sees 256 word pieces of them


@runtime_checkable
class QueryExpecting(Protocol):
    """An embedder that can begin before it is asked."""

    def expect_query(self, text: str) -> None:
        """Begin to embed `text`, and remember it for the one who asks."""
        ...


class HybridSearch:
    """Implements `PassageSearch` over an index that does both arms and their fusion."""

    def __init__(self, index: PassageIndex, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder

    def expect(self, query: str) -> None:
        """Begin embedding what is about to be searched, where that costs nothing but time."""
        if isinstance(self._embedder, QueryExpecting):
            self._embedder.expect_query(_embedded(query))

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        """At most `limit` candidates, best first, no text twice. Raises `StoreUnavailable`.

        A query without a known word (another script, only stop words) is searched by meaning.
        """
        text = _embedded(query)
        found = await self._index.search(
            principal,
            subject_of(text),
            self._embedder.embed_query(text),
            embedder=self._embedder.name,
            filters=filters,
            limit=limit,
        )
        return replace(found, candidates=deduplicate(text, found.candidates))


def _embedded(query: str) -> str:
    """What of a query is embedded."""
    return query.encode(errors="replace").decode()[:MAX_QUERY_LENGTH]
