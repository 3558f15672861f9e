"""The search index in PostgreSQL: lexical and dense search, filters and fusion."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, date, datetime, time
from typing import Final

from asyncpg import Record
from pgvector import HalfVector, SparseVector

from app.db.library_rows import storable, to_candidate
from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.job_ports import JOB_DEAD_S
from app.domain.library_ports import RerankFeatures
from app.domain.models import Filters, SearchResult, reading_of
from app.domain.ports import Vector
from app.domain.principals import Principal
from app.search.bm25 import Term, top_passages

SQL = load_queries("search", package="app.search")

LEXICAL_WEIGHT: Final = 0.4  # of BM25 in the fused score; the cosine has the rest
FULL_COMPARISON_MAX: Final = 2_000  # passages that one statement compares exhaustively
EXACT_VECTORS_MAX: Final = (
    8_000  # … and every vector, which is exact; the index finds 99.8 % of the same
)
SINGLE_STATEMENT_MAX: Final = 20_000  # beyond, the lexical search outlasts embedding
_INDEXED_DIMENSIONS: Final = 384


class PostgresPassageIndex:
    """Implements `PassageIndex` and `RerankFeatureSource`.

    Up to `full_comparison_max` passages within the filters, everything is compared. Beyond, lexical
    passages come from an inverted index (exactly) while the query is embedded. Dense ones come from
    comparing all vectors up to `exact_vectors_max` passages, then from the HNSW index, with
    iterative scans so that filters lose nothing. Up to `single_statement_max` passages one
    statement also does the dense search and the fusion; beyond, dense and lexical search run
    concurrently.
    """

    def __init__(
        self,
        database: Database,
        *,
        full_comparison_max: int = FULL_COMPARISON_MAX,
        exact_vectors_max: int = EXACT_VECTORS_MAX,
        single_statement_max: int = SINGLE_STATEMENT_MAX,
    ) -> None:
        self._database = database
        self._full_comparison_max = full_comparison_max
        self._exact_vectors_max = exact_vectors_max
        self._single_statement_max = single_statement_max

    async def search(
        self,
        principal: Principal,
        query: str,
        vector: Awaitable[Vector],
        *,
        embedder: str,
        filters: Filters,
        limit: int,
    ) -> SearchResult:
        """Lexical and dense search with fusion; candidates best first, with all signals set.

        `vector` is awaited while the lexical search runs, and cancelled if that fails.
        """
        scope, text = _scope(principal, filters), storable(query)
        embedding = asyncio.ensure_future(vector)  # noqa: TID251 - over before this returns
        dense: list[int] | None = None
        lexical: list[int] | None = None
        index_vector: HalfVector | None = None
        try:
            known_terms = await self._database.fetch(SQL["known_terms"], *scope, text)
            searched = known_terms[0]["searched"]
            if searched > max(self._exact_vectors_max, self._single_statement_max):
                dense, lexical = await asyncio.gather(
                    self._dense_passages(scope, embedding, embedder),
                    self._lexical_passages(scope, known_terms),
                )
            elif searched > self._full_comparison_max:
                lexical = await self._lexical_passages(scope, known_terms)
            query_vector = HalfVector(await embedding)
            if dense is None and searched > self._exact_vectors_max and _is_indexed(query_vector):
                index_vector = query_vector
            arguments = (*scope, text, query_vector, embedder, limit, LEXICAL_WEIGHT)
            arguments = (*arguments, lexical, index_vector, dense, JOB_DEAD_S)
            rows = await self._database.fetch(SQL["search_passages"], *arguments)
        finally:
            embedding.cancel()
        return _result(rows)

    async def fetch_rerank_features(
        self, passage_ids: Sequence[str], words: Sequence[str]
    ) -> RerankFeatures:
        """The rerank features of these passages and of the words of a query.

        Only for ids returned by a search of the same principal: access is not checked.
        """
        arguments = (list(passage_ids), [storable(word) for word in words])
        rows = await self._database.fetch(SQL["fetch_rerank_features"], *arguments)
        states = {row["passage_id"]: row["states"] for row in rows if row["weights"] is None}
        [features_row] = [row for row in rows if row["weights"] is not None]
        return RerankFeatures(states, features_row["weights"], features_row["absent"])

    async def _dense_passages(
        self, scope: tuple[object, ...], embedding: asyncio.Future[Vector], embedder: str
    ) -> list[int] | None:
        """From the vector index; None when the vectors are not in it."""
        query_vector = HalfVector(await embedding)
        if not _is_indexed(query_vector):
            return None
        rows = await self._database.fetch(SQL["nearest_passages"], *scope, query_vector, embedder)
        return [row["passage"] for row in rows]

    async def _lexical_passages(
        self, scope: tuple[object, ...], known_terms: Sequence[Record]
    ) -> list[int] | None:
        async def fetch(
            terms_or_sets: list[int] | list[str], weights: SparseVector
        ) -> Sequence[Record]:
            sets = isinstance(terms_or_sets[0], str)
            sql = SQL["passages_by_term_sets"] if sets else SQL["passages_by_terms"]
            return await self._database.fetch(sql, *scope, weights, terms_or_sets)

        terms = [
            Term(row["number"], row["passages"], row["idf"])
            for row in known_terms
            if row["number"] is not None
        ]
        return await top_passages(terms, known_terms[0]["of"], fetch)


def _is_indexed(vector: HalfVector) -> bool:
    return bool(vector.dimensions() == _INDEXED_DIMENSIONS)


def _scope(principal: Principal, filters: Filters) -> tuple[object, ...]:
    """The first seven parameters of every search (see `in_scope` in fragments.sql)."""
    return (
        principal.owner_id,
        [storable(one) for one in filters.source_ids],
        list(filters.kinds),
        [storable(tag) for tag in filters.tags],
        _start_of_day(filters.after),
        _start_of_day(filters.before),
        list(principal.groups),
    )


def _start_of_day(day: date | None) -> datetime | None:
    """The first moment of a day, UTC."""
    return None if day is None else datetime.combine(day, time(), UTC)


def _result(rows: Sequence[Record]) -> SearchResult:
    """There is always a row; without a passage when nothing was found."""
    return SearchResult(
        candidates=tuple(to_candidate(row) for row in rows if row["passage_id"] is not None),
        searched_passages=int(rows[0]["searched_passages"]),
        searched_sources=rows[0]["searched_sources"],
        reading=reading_of(rows[0]["files_done"], rows[0]["files_total"]),
    )
