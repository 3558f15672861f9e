"""Reranks the candidates and keeps the best."""

from collections.abc import Callable

from app.domain.ports import Reranker
from app.graph.parallel_search import interleaved, together
from app.graph.state import AnswerState, Node

KEPT = 8


def make_rerank(reranker: Reranker, clock: Callable[[], float]) -> Node:
    """Keeps `KEPT` passages for grading."""

    async def rerank(state: AnswerState) -> AnswerState:
        began = clock()
        if state.get("queries"):
            update = await _by_query(reranker, state)
        else:
            ranked = await reranker.rerank(state["query"], state["found"].candidates)
            update = {
                "ranked": ranked.candidates[:KEPT],
                "dropped": ranked.candidates[KEPT:],
                "note": ranked.note,
            }
        update["ms"] = (clock() - began) * 1000
        return update

    return rerank


async def _by_query(reranker: Reranker, state: AnswerState) -> AnswerState:
    """Each search in its own order, and the best of each in turn."""
    pairs = zip(state["queries"], state["found_by_query"], strict=True)
    results = await together([reranker.rerank(query, found) for query, found in pairs])
    lists = [result.candidates for result in results]
    unknown = state["unknown_by_query"]
    if known := state.get("carried"):  # the searches are made to complete it
        lists.insert(0, known)
        unknown = ((), *unknown)
    mixed = interleaved(lists)
    ids = {one.passage.passage_id for one in mixed[:KEPT]}
    return {
        "found_by_query": (),
        "unknown_by_query": unknown,
        "ranked": tuple(mixed[:KEPT]),
        "ranked_by_query": tuple(
            tuple(one for one in ranked[:KEPT] if one.passage.passage_id in ids) for ranked in lists
        ),
        "dropped": tuple(mixed[KEPT:]),
        "note": next((result.note for result in results if result.note), None),
    }
