"""The graph, compiled once: retrieve → rerank → grade → (rewrite → retrieve) → generate.

No checkpointer: the conversation is read from the store, one source of truth.
"""

from collections.abc import Callable
from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from app.domain.ports import PassageSearch, Reranker
from app.graph.nodes.generate import Answerer, make_generate
from app.graph.nodes.grade import make_grade
from app.graph.nodes.rerank import make_rerank
from app.graph.nodes.retrieve import make_retrieve
from app.graph.nodes.rewrite import make_rewrite
from app.graph.state import AnswerState, Judge, Node

AnswerGraph = CompiledStateGraph[AnswerState, None, AnswerState, AnswerState]


def build_graph(
    *,
    search: PassageSearch,
    reranker: Reranker,
    answerer: Answerer,
    judge: Judge | None,
    clock: Callable[[], float],
    wrap: Callable[[str, Node], Node] = lambda _, node: node,
) -> AnswerGraph:
    """`judge` None: no model to ask, so scores decide. `clock` counts seconds.

    `wrap` may put something around each node (traces).
    """
    graph: StateGraph[AnswerState, None, AnswerState, AnswerState] = StateGraph(AnswerState)
    graph.add_node("retrieve", wrap("retrieve", make_retrieve(search, clock)))
    graph.add_node("rerank", wrap("rerank", make_rerank(reranker, clock)))
    graph.add_node("grade", wrap("grade", make_grade(judge, search, clock)))
    graph.add_node("rewrite", wrap("rewrite", make_rewrite(judge, clock)))
    graph.add_node("generate", wrap("generate", make_generate(answerer)))
    graph.add_conditional_edges(START, _entry)
    graph.add_edge("retrieve", "rerank")
    graph.add_edge("rerank", "grade")
    graph.add_conditional_edges("grade", _after_grading)
    graph.add_edge("rewrite", "retrieve")
    graph.add_edge("generate", END)
    return graph.compile()


def _entry(state: AnswerState) -> Literal["retrieve", "generate"]:
    """A continued answer brings its passages along."""
    return "generate" if state.get("kept") else "retrieve"


def _after_grading(state: AnswerState) -> Literal["rewrite", "generate"]:
    return "rewrite" if state["decision"] == "rewrite" else "generate"
