"""Searches the library for the current query."""

from collections.abc import Callable

from app.domain.ports import PassageSearch
from app.graph.query_contextualization import search_query
from app.graph.state import AnswerState, Node

CANDIDATES = 50


def make_retrieve(search: PassageSearch, clock: Callable[[], float]) -> Node:
    """First the question itself (with the conversation's key terms), later what `rewrite` set."""

    async def retrieve(state: AnswerState) -> AnswerState:
        began = clock()
        question = state["question"]
        query = state.get("query") or search_query(question.text, question.history)
        found = await search.search(
            question.principal, query, filters=question.filters, limit=CANDIDATES
        )
        return {
            "query": query,
            "attempt": state.get("attempt", 0) + 1,
            "found": found,
            "ms": (clock() - began) * 1000,
        }

    return retrieve
