"""Filters suggested questions to those that the library answers."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from app.domain.models import Filters, Passage, Source, Suggestion
from app.domain.ports import PassageSearch, Reranker
from app.domain.principals import Principal
from app.graph.grading import by_score
from app.graph.nodes.rerank import make_rerank
from app.graph.nodes.retrieve import CANDIDATES
from app.text.question_suggestions import suggest_questions

WANTED: Final = 3
TRIED: Final = 12
_REMEMBERED: Final = 256  # sources


class AnswerableQuestions:
    """Implements `Suggestions`, with a cache.

    A question is kept when search, reranking and grading rank a passage of the source first.
    """

    def __init__(self, search: PassageSearch, reranker: Reranker) -> None:
        self._search = search
        self._rerank = make_rerank(reranker, time.monotonic)
        self._found: OrderedDict[tuple[str, ...], tuple[Suggestion, ...]] = OrderedDict()

    async def of(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> tuple[Suggestion, ...]:
        if not passages:
            return ()
        # New content has other passages; a new title leads to other questions.
        key = (principal.owner_id, source.title, passages[0].passage_id)
        if key not in self._found:
            self._found[key] = await self._answerable(principal, source, passages)
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return self._found[key]

    async def _answerable(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> tuple[Suggestion, ...]:
        kept: dict[str, Suggestion] = {}  # by the passage that answers
        for suggestion in suggest_questions(source, passages)[:TRIED]:
            best = await self._best(principal, suggestion.question)
            if best is not None and best.source_id == source.source_id:
                kept.setdefault(best.passage_id, suggestion)
            if len(kept) == WANTED:
                break
        return tuple(kept.values())

    async def _best(self, principal: Principal, question: str) -> Passage | None:
        found = await self._search.search(principal, question, filters=Filters(), limit=CANDIDATES)
        seen = await self._rerank({"query": question, "found": found})
        grade = by_score(seen["ranked"], force=True)
        return grade.kept[0].passage if grade.decision == "answer" else None
