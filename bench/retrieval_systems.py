"""The application's search, reranking, grading and answering over the evaluation database."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from langchain_core.messages import BaseMessage

from app.db.embedded.server import EmbeddedServer
from app.db.library_store import LibraryStore
from app.db.migrations import migrate
from app.db.pool import Database, connect
from app.domain.library_ports import PassageEncoder
from app.domain.models import Candidate, Filters, Passage, Reranked, SearchResult, Turn
from app.domain.principals import LOCAL, Principal
from app.graph.build import AnswerGraph, build_graph
from app.graph.grading import confidence, size_bonus
from app.graph.nodes.plan import Planner
from app.graph.nodes.rerank import KEPT
from app.graph.nodes.retrieve import CANDIDATES
from app.graph.state import AnswerState, Judge, Node
from app.llm.extractive_answer import quote as choose_quotes
from app.runs.ports import EngineResult
from app.runs.ports import Question as Asked
from app.search.hybrid import HybridSearch
from app.search.passage_index import PostgresPassageIndex
from app.search.query_terms import without_request_words
from app.search.rerank import FeatureReranker
from app.search.text_similarity import TextSimilarity
from app.search.vocabulary import LibraryVocabulary, known_words
from bench.retrieval_collections import Question, Stored

ARM: Final = 100  # candidates of each search arm


@dataclass(slots=True)
class _Timed:
    """Wraps search and reranker; keeps the last candidates that were reranked, and times in ms.

    (The graph drops the candidates once they are graded.) A search without reranking is the extra
    one of a refusal with a filter, which counts relevant passages outside the filter.
    """

    search_inside: HybridSearch
    reranker_inside: FeatureReranker
    found: tuple[Candidate, ...] = ()
    ranked: tuple[Candidate, ...] = ()
    search_ms: float = 0.0
    rerank_ms: float = 0.0
    last_search_ms: float = 0.0

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        began = perf_counter()
        found = await self.search_inside.search(principal, query, filters=filters, limit=limit)
        self.last_search_ms = (perf_counter() - began) * 1000
        return found

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        began = perf_counter()
        ranked = await self.reranker_inside.rerank(query, candidates)
        self.rerank_ms = (perf_counter() - began) * 1000
        self.search_ms = self.last_search_ms
        self.found, self.ranked = tuple(candidates), ranked.candidates
        return ranked


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one question; rankings contain passage ids of the collection."""

    question: Question
    fused: tuple[str, ...]
    reranked: tuple[str, ...]
    search_ms: float
    rerank_ms: float
    confidence: float  # of the grading that there is an answer
    text: str
    passages: tuple[Passage, ...]  # that the answer cites from; empty when it refuses


@dataclass(slots=True)
class Library:
    """A library in a separate database, and the application's graph over it."""

    database: Database
    store: LibraryStore
    stored: Stored = field(default_factory=lambda: Stored({}, {}))
    encoder: PassageEncoder = field(init=False)
    index: PostgresPassageIndex = field(init=False)
    words: LibraryVocabulary = field(init=False)
    timed: _Timed = field(init=False)
    graph: AnswerGraph = field(init=False)

    def wire(self, encoder: PassageEncoder) -> None:
        """Build the graph as the application does, in quoting mode."""
        self.encoder = encoder
        self.index = PostgresPassageIndex(self.database)
        self.words = LibraryVocabulary(self.database, is_word=known_words(encoder))
        search = HybridSearch(self.index, encoder, self.words)
        self.timed = _Timed(search, FeatureReranker(self.index, encoder))
        self.graph = self.graph_with(None)

    def graph_with(
        self, judge: Judge | None, wrap: Callable[[str, Node], Node] = lambda _, node: node
    ) -> AnswerGraph:
        """The graph with a model that judges, or in quoting mode; nothing writes answers."""
        return build_graph(
            planner=Planner(
                library=self.store,
                search=self.timed,
                similarity=TextSimilarity(self.encoder),
                quotes_only=judge is None,
                answers_by="",
                clock=perf_counter,
            ),
            search=self.timed,
            words=self.words,
            reranker=self.timed,
            answerer=_quote,
            judge=judge,
            clock=perf_counter,
            quoting=None if judge else (choose_quotes, self.store),
            wrap=wrap,
        )

    async def ask(self, question: Question) -> Outcome:
        """One question through the whole graph."""
        asked = self._asked(question)
        state = await self.graph.ainvoke(AnswerState(question=asked))
        found = state.get("found")
        if found is None:  # answered without a search: the ranking is measured all the same
            found = await self.timed.search(
                asked.principal, asked.text, filters=asked.filters, limit=CANDIDATES
            )
            await self.timed.rerank(asked.text, found.candidates)
        bonus = size_bonus(asked.filters, found.searched_passages)
        return Outcome(
            question=question,
            fused=self._ids(self.timed.found),
            reranked=self._ids(self.timed.ranked),
            search_ms=self.timed.search_ms,
            rerank_ms=self.timed.rerank_ms,
            confidence=confidence(self.timed.ranked[:KEPT], bonus),
            text=state["text"],
            passages=tuple(candidate.passage for candidate in state["kept"]),
        )

    async def arms(self, question: Question) -> Mapping[str, tuple[str, ...]]:
        """The rankings of each search arm alone, as the index returns them.

        A search for all candidates of both arms contains the full list of each.
        """
        asked = self._asked(question)
        found = await self.index.search(
            LOCAL,
            without_request_words(question.text),
            self.encoder.embed_query(question.text),
            embedder=self.encoder.name,
            filters=asked.filters,
            limit=2 * ARM,
        )
        by_words = sorted(found.candidates, key=lambda one: -one.bm25)
        by_meaning = sorted(found.candidates, key=lambda one: -one.cosine)
        return {
            "BM25 alone": self._ids([one for one in by_words if one.bm25 > 0]),
            "dense alone": self._ids(by_meaning),
        }

    def _ids(self, candidates: Sequence[Candidate]) -> tuple[str, ...]:
        return tuple(self.stored.passages[one.passage.passage_id] for one in candidates)

    def _asked(self, question: Question) -> Asked:
        filters = Filters()
        if question.source is not None:
            filters = Filters(source_ids=(self.stored.sources[question.source],))
        return Asked(
            run_id=question.question_id,
            session_id="evaluation",
            message_id=question.question_id,
            principal=LOCAL,
            text=question.text,
            filters=filters,
            history=tuple(Turn(text, "", interrupted=False) for text in question.history),
        )


async def _quote(
    messages: Sequence[BaseMessage],
    *,
    question: Asked,
    passages: tuple[Passage, ...],
    quote: str | None,
) -> tuple[EngineResult, str]:
    """Quoting mode without a pace."""
    return EngineResult("stop", None), quote or ""


@asynccontextmanager
async def open_library(
    server: EmbeddedServer, name: str, encoder: PassageEncoder
) -> AsyncIterator[Library]:
    """An empty library in a separate database."""
    connection = await connect(server.dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    dsn = server.dsn_of(name)
    await migrate(dsn)
    database = await Database.open(dsn, max_size=4)
    try:
        library = Library(database, LibraryStore(database))
        library.wire(encoder)
        yield library
    finally:
        await database.close()
