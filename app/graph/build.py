"""The graph, compiled once: (plan →) retrieve → rerank → grade → (decompose or rewrite → retrieve)
→ (quote →) generate.

`plan` is for questions that are not plain lookups; it may go straight to the answer.

No checkpointer: the conversation is read from the store, one source of truth.
"""

from collections.abc import Callable, Hashable
from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from app.domain.ports import PassageSearch, Reranker, WordLookup
from app.graph.contextualizer import Contextualizer
from app.graph.nodes.decompose import make_decompose, takes_steps
from app.graph.nodes.generate import Answerer, make_generate
from app.graph.nodes.grade import make_grade
from app.graph.nodes.plan import Planner, make_plan, planned_question
from app.graph.nodes.quote import Quote, Surroundings, make_quote
from app.graph.nodes.rerank import make_rerank
from app.graph.nodes.retrieve import make_retrieve
from app.graph.nodes.rewrite import make_rewrite
from app.graph.nodes.tabulate import make_tabulate, table_sources
from app.graph.query_contextualization import is_follow_up
from app.graph.state import AnswerState, Judge, Node
from app.graph.sub_questions import sub_questions

AnswerGraph = CompiledStateGraph[AnswerState, None, AnswerState, AnswerState]


def build_graph(
    *,
    planner: Planner,
    search: PassageSearch,
    words: WordLookup,
    reranker: Reranker,
    answerer: Answerer,
    judge: Judge | None,
    clock: Callable[[], float],
    quoting: tuple[Quote, Surroundings] | None = None,
    wrap: Callable[[str, Node], Node] = lambda _, node: node,
) -> AnswerGraph:
    """`judge` None: no model to ask, so scores decide. `clock` counts seconds.

    `quoting`: answers are quotes, chosen before they are written; None: a model writes them.

    `wrap` may put something around each node (traces).
    """
    graph: StateGraph[AnswerState, None, AnswerState, AnswerState] = StateGraph(AnswerState)
    contextualizer = Contextualizer(words, judge)
    graph.add_node("plan", wrap("plan", make_plan(planner, contextualizer)))
    graph.add_node("retrieve", wrap("retrieve", make_retrieve(search, contextualizer, clock)))
    graph.add_node("rerank", wrap("rerank", make_rerank(reranker, clock)))
    graph.add_node("grade", wrap("grade", make_grade(judge, search, clock)))
    graph.add_node("tabulate", wrap("tabulate", make_tabulate(planner.library, clock)))
    graph.add_node("rewrite", wrap("rewrite", make_rewrite(judge, clock)))
    if judge is not None:
        graph.add_node("decompose", wrap("decompose", make_decompose(judge, clock)))
    graph.add_node("generate", wrap("generate", make_generate(answerer)))
    if quoting is not None:
        graph.add_node("quote", wrap("quote", make_quote(*quoting)))
    _add_edges(graph, decomposes=judge is not None, quotes=quoting is not None)
    return graph.compile()


def _add_edges(
    graph: StateGraph[AnswerState, None, AnswerState, AnswerState],
    *,
    decomposes: bool,
    quotes: bool,
) -> None:
    """`decomposes`: a model may take a question apart. `quotes`: quotes are chosen first."""
    answer: Literal["quote", "generate"] = "quote" if quotes else "generate"
    if quotes:
        graph.add_edge("quote", "generate")
    ways: dict[Hashable, str] = {"retrieve": "retrieve", "answer": answer}
    graph.add_conditional_edges(START, _entry, {"plan": "plan", **ways})
    graph.add_conditional_edges("plan", _after_planning, {"composed": "generate", **ways})
    graph.add_edge("retrieve", "rerank")
    graph.add_edge("rerank", "grade")
    answered: dict[Hashable, str] = {
        "rewrite": "rewrite",
        "tabulate": "tabulate",
        "composed": "generate",
        "answer": answer,
    }
    if decomposes:
        graph.add_conditional_edges(
            "grade", _after_grading_by_model, {"decompose": "decompose", **answered}
        )
        graph.add_conditional_edges(
            "decompose", _after_decomposing, {"retrieve": "retrieve", **answered}
        )
    else:
        graph.add_conditional_edges("grade", _after_grading, answered)
    graph.add_conditional_edges(
        "tabulate", _after_tabulating, {"composed": "generate", "answer": answer}
    )
    graph.add_edge("rewrite", "retrieve")
    graph.add_conditional_edges("generate", _after_generating, {"again": "generate", "end": END})


def _entry(state: AnswerState) -> Literal["plan", "retrieve", "answer"]:
    """A continued or compared answer brings its passages along; a lookup needs no plan.

    What a follow-up asks for is known once it is in full words.
    """
    question = state["question"]
    if planned_question(question).kind != "lookup":
        return "plan"
    if state.get("kept"):
        return "answer"
    leans = bool(question.history) and is_follow_up(question.text)
    return "plan" if leans or sub_questions(question.text) else "retrieve"


def _after_planning(state: AnswerState) -> Literal["retrieve", "composed", "answer"]:
    if "composed" in state:
        return "composed"
    is_searched = state["plan"].kind in ("lookup", "multi_step") and not state.get("kept")
    return "retrieve" if is_searched else "answer"


Graded = Literal["rewrite", "tabulate", "composed", "answer"]


def _after_grading_by_model(state: AnswerState) -> Literal["decompose"] | Graded:
    return "decompose" if takes_steps(state) else _after_grading(state)


def _after_decomposing(state: AnswerState) -> Literal["retrieve"] | Graded:
    return "retrieve" if state.get("queries") else _after_grading(state)


def _after_grading(state: AnswerState) -> Graded:
    if state["decision"] == "rewrite":
        return "rewrite"
    if not state.get("queries") and table_sources(state):
        return "tabulate"
    return _after_tabulating(state)


def _after_generating(state: AnswerState) -> Literal["again", "end"]:
    """Again, with a shorter prompt, after the model refused its length."""
    return "end" if "ended" in state else "again"


def _after_tabulating(state: AnswerState) -> Literal["composed", "answer"]:
    return "composed" if "composed" in state else "answer"
