"""Hybrid search (lexical and dense) over what the principal can read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from app.domain.library_ports import PassageIndex
from app.domain.models import Correction, Filters, SearchResult
from app.domain.ports import Embedder
from app.domain.principals import Principal
from app.search.dedup import deduplicate
from app.search.query_terms import FRAMING_WORDS, REQUEST_WORDS, without_request_words
from app.text.names import derivation_stem, says_name, uncommon_words, written_names
from app.text.spelling import begins_word, corrected, suspects
from app.text.stop_words import seems_english

MAX_QUERY_LENGTH: Final = 8000  # characters; the model sees 256 word pieces of them


@runtime_checkable
class QueryExpecting(Protocol):
    """An embedder that can start before the result is needed."""

    def expect_query(self, text: str) -> None:
        """Start embedding `text` and cache the result."""
        ...


class Vocabulary(Protocol):
    """What is known of words that no passage of a search has."""

    async def corrections(
        self, principal: Principal, query: str, words: Sequence[str]
    ) -> tuple[Correction, ...]:
        """Corrections of some of these words. Raises `StoreUnavailable`."""
        ...

    async def unknown(
        self, principal: Principal, query: str, names: Sequence[str], words: Sequence[str]
    ) -> tuple[str, ...]:
        """Those that no readable source has in any form; of the words, only names.

        Raises `StoreUnavailable`.
        """
        ...


class HybridSearch:
    """Implements `PassageSearch` over an index that does both searches and their fusion."""

    def __init__(
        self, index: PassageIndex, embedder: Embedder, vocabulary: Vocabulary | None = None
    ) -> None:
        """`vocabulary` None: queries are searched as they are typed, and no name is unknown."""
        self._index = index
        self._embedder = embedder
        self._vocabulary = vocabulary

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
        vocabulary = self._vocabulary
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
            if vocabulary is None:
                return found
            if not corrections and (words := _missing_words(query, found)):
                corrections = await vocabulary.corrections(principal, query, words)
                if corrections:
                    query = corrected(query, corrections)
                    continue
            return replace(found, unknown=await self._unknown(vocabulary, principal, query, found))

    @staticmethod
    async def _unknown(
        vocabulary: Vocabulary, principal: Principal, query: str, found: SearchResult
    ) -> tuple[str, ...]:
        """Names that no source has; only of questions in English, which tells them by capitals."""
        query = query[:MAX_QUERY_LENGTH]
        if not seems_english(query.lower().split()):
            return ()
        names = _unsaid(written_names(query), found)
        plain = uncommon_words(query, FRAMING_WORDS | REQUEST_WORDS)
        stems = _unsaid([derivation_stem(word) for word in plain], found)
        words = [word for word in plain if derivation_stem(word) in stems]
        if not names and not words:
            return ()
        return await vocabulary.unknown(principal, query, names, words)


def _unsaid(names: list[str], found: SearchResult) -> list[str]:
    """Those that no passage it found says, nor its title or heading."""
    for candidate in found.candidates:
        if not names:
            break
        passage = candidate.passage
        text = f"{passage.title}\n{passage.heading}\n{passage.text}"
        names = [name for name in names if not says_name(name, text)]
    return names


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
