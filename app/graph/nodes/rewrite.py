"""Rewrites the query once the evidence was found wanting."""

from collections.abc import Callable

from app.graph.prompts import rewrite_messages
from app.graph.state import AnswerState, Judge, Node

LONGEST_QUERY = 500


def make_rewrite(judge: Judge | None, clock: Callable[[], float]) -> Node:
    """Keeps the old query when the model has nothing better to offer."""

    async def rewrite(state: AnswerState) -> AnswerState:
        began = clock()
        reply = None
        if judge is not None:
            reply = await judge(rewrite_messages(state["question"], state["query"]))
        lines = (reply or "").strip().splitlines()
        query = lines[0].strip().strip('"')[:LONGEST_QUERY] if lines else ""
        return {"query": query or state["query"], "ms": (clock() - began) * 1000}

    return rewrite
