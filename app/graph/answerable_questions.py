"""Filters suggested questions to those that the library answers."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from app.domain.bounded_cache import BoundedCache
from app.domain.models import Filters, Passage, Source, Suggestion
from app.domain.ports import PassageSearch, Reranker
from app.domain.principals import Principal
from app.graph.grading import by_score
from app.graph.nodes.quote import Quote
from app.graph.nodes.rerank import make_rerank
from app.graph.nodes.retrieve import CANDIDATES
from app.graph.table_answers import table_answer
from app.graph.table_questions import may_compute
from app.text.question_suggestions import suggest_questions

WANTED: Final = 3
TRIED: Final = 12
_REMEMBERED: Final = 256  # sources


class AnswerCheck:
    """Searches, reranks and grades a question as a run would, one question at a time.

    Nobody waits for a suggestion as for an answer: several at once would delay those.
    """

    def __init__(self, search: PassageSearch, reranker: Reranker, quote: Quote) -> None:
        self._search = search
        self._rerank = make_rerank(reranker, time.monotonic)
        self._quote = quote
        self._turn = asyncio.Lock()

    async def answers(
        self,
        principal: Principal,
        suggestion: Suggestion,
        passages: Sequence[Passage],
        filters: Filters,
    ) -> Passage | None:
        """The passage that is quoted first, if it is of the section that suggested the question.

        `passages`: those of its source. A question that is computed has to be computable.
        """
        async with self._turn:
            best = await self._best(principal, suggestion.question, filters)
        suggested = next(one for one in passages if one.passage_id == suggestion.passage_id)
        if best is None or best.source_id != suggested.source_id:
            return None
        if may_compute(suggestion.question) and _has_rows(suggested):
            made = await asyncio.to_thread(table_answer, suggestion.question, passages)
            return best if made is not None else None
        is_there = suggested.heading is not None and best.heading == suggested.heading
        return best if is_there or best.passage_id == suggested.passage_id else None

    async def _best(self, principal: Principal, question: str, filters: Filters) -> Passage | None:
        found = await self._search.search(principal, question, filters=filters, limit=CANDIDATES)
        seen = await self._rerank({"query": question, "found": found})
        grade = by_score(seen["ranked"], force=True)
        if grade.decision != "answer":
            return None
        kept = [one.passage for one in grade.kept]
        quotes = await asyncio.to_thread(self._quote, question, kept)
        return kept[quotes.cited[0]] if quotes.cited else None


class AnswerableQuestions:
    """Implements `Suggestions`, with a cache."""

    def __init__(self, check: AnswerCheck) -> None:
        self._check = check
        self._found = BoundedCache[tuple[str, ...], tuple[Suggestion, ...]](_REMEMBERED)

    async def of(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> tuple[Suggestion, ...]:
        if not passages:
            return ()
        # New content has other passages; a new title leads to other questions.
        key = (principal.owner_id, source.title, passages[0].passage_id)
        found = self._found.get(key)
        if found is None:
            found = await self._answerable(principal, source, passages)
            self._found.put(key, found)
        return found

    async def _answerable(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> tuple[Suggestion, ...]:
        kept: list[Suggestion] = []
        answering: set[str] = set()  # a passage of prose answers one of them
        for suggestion in suggest_questions(source, passages)[:TRIED]:
            best = await self._check.answers(principal, suggestion, passages, Filters())
            if best is not None and (best.passage_id not in answering or _has_rows(best)):
                answering.add(best.passage_id)
                kept.append(suggestion)
            if len(kept) == WANTED:
                break
        return tuple(kept)


def _has_rows(passage: Passage) -> bool:
    return any(span.kind == "row" for span in passage.structure)
