"""Puts the candidates in a finer order and keeps the best."""

from collections.abc import Callable

from app.domain.ports import Reranker
from app.graph.state import AnswerState, Node

KEPT = 8


def make_rerank(reranker: Reranker, clock: Callable[[], float]) -> Node:
    """Keeps `KEPT` passages for grading."""

    async def rerank(state: AnswerState) -> AnswerState:
        began = clock()
        ranked = await reranker.rerank(state["query"], state["found"].candidates)
        return {
            "ranked": ranked.candidates[:KEPT],
            "dropped": ranked.candidates[KEPT:],
            "note": ranked.note,
            "ms": (clock() - began) * 1000,
        }

    return rerank
