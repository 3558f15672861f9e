"""The search index in PostgreSQL: both arms, their filters and their fusion."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, date, datetime, time
from typing import Final

from asyncpg import Record
from pgvector import HalfVector, SparseVector

from app.db.library_rows import storable, to_candidate
from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.library_ports import RerankFeatures
from app.domain.models import Filters, SearchResult, reading_of
from app.domain.ports import JOB_DEAD_S, Vector
from app.domain.principals import Principal
from app.search.bm25 import Term, top_passages

SQL = load_queries("search", package="app.search")

LEXICAL_SHARE: Final = 0.4  # of BM25 in the fused score; the cosine has the rest
WHOLE: Final = 2_000  # passages up to which one statement compares everything
SCANNED: Final = 8_000  # … and every vector, which is exact; the index finds 99.8 % of the same
APART: Final = 20_000  # … beyond which finding the words takes longer than embedding
_INDEXED_DIMENSIONS: Final = 384


class PostgresPassageIndex:
    """Implements `PassageIndex` and `PassageDetails`.

    Up to `whole` passages within the filters, everything is compared. Beyond, the words come from
    an inverted index, exactly, while the query is embedded; the nearest vectors still from
    comparing all up to `scanned` passages, then from the HNSW index, with iterative scans so that
    filters lose nothing. Up to `apart` passages one statement does that and the fusion; beyond,
    they are looked up while the words still are.
    """

    def __init__(
        self,
        database: Database,
        *,
        whole: int = WHOLE,
        scanned: int = SCANNED,
        apart: int = APART,
    ) -> None:
        self._database = database
        self._whole = whole
        self._scanned = scanned
        self._apart = apart

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
        """Both arms and their fusion; candidates are best first, with every signal filled in.

        `vector` is waited for while the words are looked up, and cancelled if they fail.
        """
        scope, text = _scope(principal, filters), storable(query)
        embedding = asyncio.ensure_future(vector)  # noqa: TID251 - over before this returns
        near: list[int] | None = None
        told: list[int] | None = None
        indexed: HalfVector | None = None
        try:
            known = await self._database.fetch(SQL["known_terms"], *scope, text)
            searched = known[0]["searched"]
            if searched > max(self._scanned, self._apart):
                near, told = await asyncio.gather(
                    self._nearest(scope, embedding, embedder), self._told(scope, known)
                )
            elif searched > self._whole:
                told = await self._told(scope, known)
            meaning = HalfVector(await embedding)
            if near is None and searched > self._scanned and _is_indexed(meaning):
                indexed = meaning
            asked = (*scope, text, meaning, embedder, limit, LEXICAL_SHARE)
            asked = (*asked, told, indexed, near, JOB_DEAD_S)
            rows = await self._database.fetch(SQL["search_passages"], *asked)
        finally:
            embedding.cancel()
        return _result(rows)

    async def fetch_rerank_features(
        self, passage_ids: Sequence[str], words: Sequence[str]
    ) -> RerankFeatures:
        """More about these passages, and these words of a query.

        Only for ids that a search of the same principal returned: readability is not checked.
        """
        asked = (list(passage_ids), [storable(word) for word in words])
        rows = await self._database.fetch(SQL["fetch_rerank_features"], *asked)
        states = {row["passage_id"]: row["states"] for row in rows if row["weights"] is None}
        [said] = [row for row in rows if row["weights"] is not None]
        return RerankFeatures(states, said["weights"], said["absent"])

    async def _nearest(
        self, scope: tuple[object, ...], embedding: asyncio.Future[Vector], embedder: str
    ) -> list[int] | None:
        """By the index; None where vectors are not in it."""
        meaning = HalfVector(await embedding)
        if not _is_indexed(meaning):
            return None
        rows = await self._database.fetch(SQL["nearest_passages"], *scope, meaning, embedder)
        return [row["passage"] for row in rows]

    async def _told(self, scope: tuple[object, ...], known: Sequence[Record]) -> list[int] | None:
        async def fetch(wanted: list[int] | list[str], weights: SparseVector) -> Sequence[Record]:
            sets = isinstance(wanted[0], str)
            sql = SQL["passages_by_term_sets"] if sets else SQL["passages_by_terms"]
            return await self._database.fetch(sql, *scope, weights, wanted)

        terms = [
            Term(row["number"], row["passages"], row["idf"])
            for row in known
            if row["number"] is not None
        ]
        return await top_passages(terms, known[0]["of"], fetch)


def _is_indexed(vector: HalfVector) -> bool:
    return bool(vector.dimensions() == _INDEXED_DIMENSIONS)


def _scope(principal: Principal, filters: Filters) -> tuple[object, ...]:
    """The first seven parameters of every search: what is looked at."""
    return (
        principal.owner_id,
        [storable(one) for one in filters.source_ids],
        list(filters.kinds),
        [storable(tag) for tag in filters.tags],
        _begin(filters.after),
        _begin(filters.before),
        list(principal.groups),
    )


def _begin(day: date | None) -> datetime | None:
    """The first moment of a day, UTC."""
    return None if day is None else datetime.combine(day, time(), UTC)


def _result(rows: Sequence[Record]) -> SearchResult:
    """There is always a row; it has no passage when nothing was found."""
    return SearchResult(
        candidates=tuple(to_candidate(row) for row in rows if row["passage_id"] is not None),
        searched_passages=int(rows[0]["searched_passages"]),
        searched_sources=rows[0]["searched_sources"],
        reading=reading_of(rows[0]["files_done"], rows[0]["files_total"]),
    )
