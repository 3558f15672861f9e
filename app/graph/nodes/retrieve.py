"""Searches the library for the current query."""

from collections.abc import Callable

from app.domain.ports import PassageSearch
from app.graph.contextualizer import Contextualizer
from app.graph.parallel_search import merged, together
from app.graph.state import AnswerState, Node
from app.text.spelling import corrected

CANDIDATES = 50


def make_retrieve(
    search: PassageSearch, contextualizer: Contextualizer, clock: Callable[[], float]
) -> Node:
    """First the question in full words, or its parts at the same time; later what `rewrite` set."""

    async def retrieve(state: AnswerState) -> AnswerState:
        began = clock()
        question = state["question"]
        standalone = state.get("standalone")
        calls = 0
        if not standalone:
            standalone, calls = await contextualizer.standalone(question)
        query = state.get("query") or standalone
        queries = state.get("queries") or (query,)
        results = await together(
            [
                search.search(question.principal, one, filters=question.filters, limit=CANDIDATES)
                for one in queries
            ]
        )
        found = merged(results) if state.get("queries") else results[0]
        update: AnswerState = {
            "standalone": corrected(standalone, found.corrected),
            "query": corrected(query, found.corrected),
            "attempt": state.get("attempt", 0) + 1,
            "found": found,
        }
        if calls:
            update["model_calls"] = calls
        if state.get("queries"):
            update["queries"] = tuple(corrected(one, found.corrected) for one in queries)
            update["found_by_query"] = tuple(result.candidates for result in results)
            update["unknown_by_query"] = tuple(result.unknown for result in results)
        update["ms"] = (clock() - began) * 1000
        return update

    return retrieve
