"""Rewrites the query once the evidence was found wanting."""

from collections.abc import Callable

from app.graph.model_replies import search_query
from app.graph.prompts import rewrite_messages
from app.graph.state import AnswerState, Judge, Node


def make_rewrite(judge: Judge | None, clock: Callable[[], float]) -> Node:
    """Keeps the old query when the model has nothing better to offer."""

    async def rewrite(state: AnswerState) -> AnswerState:
        began = clock()
        reply = None
        if judge is not None:
            reply = await judge(rewrite_messages(state["question"], state["query"]))
        query = search_query(reply or "") or state["query"]
        return {
            "query": query,
            "queries": (),
            "model_calls": state.get("model_calls", 0) + 1,
            "ms": (clock() - began) * 1000,
        }

    return rewrite
