"""Hybrid search (lexical and dense) over what the principal can read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from app.domain.library_ports import PassageIndex
from app.domain.models import Correction, Filters, SearchResult
from app.domain.ports import Embedder
from app.domain.principals import Principal
from app.search.dedup import deduplicate
from app.search.query_terms import without_request_words
from app.text.spelling import begins_word, corrected, suspects

MAX_QUERY_LENGTH: Final = 8000  # characters; the model sees 256 word pieces of them


@runtime_checkable
class QueryExpecting(Protocol):
    """An embedder that can start before the result is needed."""

    def expect_query(self, text: str) -> None:
        """Start embedding `text` and cache the result."""
        ...


class SpellingCorrector(Protocol):
    """Corrects words that no source has against those of the library."""

    async def corrections(
        self, principal: Principal, query: str, words: Sequence[str]
    ) -> tuple[Correction, ...]:
        """Corrections of some of these words. Raises `StoreUnavailable`."""
        ...


class HybridSearch:
    """Implements `PassageSearch` over an index that does both searches and their fusion."""

    def __init__(
        self, index: PassageIndex, embedder: Embedder, spelling: SpellingCorrector | None = None
    ) -> None:
        """`spelling` None: queries are searched as they are typed."""
        self._index = index
        self._embedder = embedder
        self._spelling = spelling

    def expect(self, query: str) -> None:
        """Start embedding a query in advance, if the embedder supports it."""
        if isinstance(self._embedder, QueryExpecting):
            self._embedder.expect_query(_embedding_input(query))

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        """At most `limit` candidates, best first, no text twice. Raises `StoreUnavailable`.

        A query without known words (another script, only stop words) uses dense search alone. One
        with typing errors is searched again without them.
        """
        corrections: tuple[Correction, ...] = ()
        while True:
            text = _embedding_input(query)
            found = await self._index.search(
                principal,
                without_request_words(text),
                self._embedder.embed_query(text),
                embedder=self._embedder.name,
                filters=filters,
                limit=limit,
            )
            candidates = deduplicate(text, found.candidates)
            found = replace(found, candidates=candidates, corrected=corrections)
            if corrections or self._spelling is None or not (words := _missing_words(query, found)):
                return found
            corrections = await self._spelling.corrections(principal, query, words)
            if not corrections:
                return found
            query = corrected(query, corrections)


def _missing_words(query: str, found: SearchResult) -> list[str]:
    """The words of a query that no passage it found has, as far as they could be misspelt."""
    words = suspects(query[:MAX_QUERY_LENGTH])
    for candidate in found.candidates:
        if not words:
            break
        passage = candidate.passage
        text = f"{passage.title}\n{passage.heading}\n{passage.text}".lower()
        words = [word for word in words if not begins_word(word.lower(), text)]
    return words


def _embedding_input(query: str) -> str:
    """The part of a query that is embedded."""
    return query.encode(errors="replace").decode()[:MAX_QUERY_LENGTH]
