"""Searches the library for the current query."""

from collections.abc import Callable

from app.domain.ports import PassageSearch
from app.graph.contextualizer import Contextualizer
from app.graph.state import AnswerState, Node
from app.text.spelling import corrected

CANDIDATES = 50


def make_retrieve(
    search: PassageSearch, contextualizer: Contextualizer, clock: Callable[[], float]
) -> Node:
    """First the question in full words, later what `rewrite` set."""

    async def retrieve(state: AnswerState) -> AnswerState:
        began = clock()
        question = state["question"]
        standalone = state.get("standalone") or await contextualizer.standalone(question)
        query = state.get("query") or standalone
        found = await search.search(
            question.principal, query, filters=question.filters, limit=CANDIDATES
        )
        return {
            "standalone": corrected(standalone, found.corrected),
            "query": corrected(query, found.corrected),
            "attempt": state.get("attempt", 0) + 1,
            "found": found,
            "ms": (clock() - began) * 1000,
        }

    return retrieve
