"""Lets the model name what else has to be searched, once it has seen what the question found."""

from collections.abc import Callable

from app.graph.bridge_questions import may_need_steps
from app.graph.model_replies import search_queries
from app.graph.prompts import decompose_messages
from app.graph.state import AnswerState, Judge, Node, Plan


def make_decompose(judge: Judge, clock: Callable[[], float]) -> Node:
    """Sets `queries` when something is missing; the passages found so far are carried along."""

    async def decompose(state: AnswerState) -> AnswerState:
        began = clock()
        known = state["kept"] or state.get("first", ())
        reply = await judge(decompose_messages(state["standalone"], known))
        queries = search_queries(reply or "", asked=state["standalone"])
        update: AnswerState = {
            "carried": state["kept"],
            "queries": queries,
            "model_calls": state.get("model_calls", 0) + 1,
        }
        if queries:
            update |= {"query": "; ".join(queries), "plan": Plan("multi_step")}
        update["ms"] = (clock() - began) * 1000
        return update

    return decompose


def takes_steps(state: AnswerState) -> bool:
    """Whether the model is asked what is missing: once, and only about questions with steps."""
    return (
        state["decision"] != "refuse"
        and "carried" not in state
        and not state.get("queries")
        and may_need_steps(state["standalone"])
    )
