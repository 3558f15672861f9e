"""I20.1k to I20.1m: a message that asks several things, through the whole graph."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from langchain_core.messages import BaseMessage

from app.domain.events import PlanningCompletePayload, Stage, Token
from app.domain.models import Candidate, Filters, Passage, SearchResult, StageRecord, Turn, WordUse
from app.domain.principals import LOCAL, Principal
from app.graph.build import build_graph
from app.graph.engine import GraphEngine
from app.graph.nodes.plan import Planner
from app.graph.state import MAX_JUDGE_CALLS, Judge
from app.llm.answering import answer_text
from app.llm.extractive_answer import quote as choose_quotes
from app.runs.ports import EngineResult, Question
from tests.fakes.word_lookup import FixedWords
from tests.harness.memory_library import MemoryLibrary, no_similarity, passages_of, source
from tests.unit.graph.test_build import NOW, SameOrder, run, text_of, types

IBUPROFEN = source("Ibuprofen")
WARFARIN = source("Warfarin")
TEXTS = {
    one.passage_id: one
    for one in (
        *passages_of(
            IBUPROFEN,
            (None, "The maximum dose of ibuprofen is 1,200 mg a day."),
            (None, "People with stomach ulcers must not take ibuprofen."),
        ),
        *passages_of(WARFARIN, (None, "Warfarin is stored below 25 degrees.")),
    )
}
ASKED = Question(
    run_id="r",
    session_id="s",
    message_id="m",
    principal=LOCAL,
    text="What is the maximum dose of ibuprofen and who must not take it?",
    filters=Filters(),
)
DOSE, TAKERS = "What is the maximum dose of ibuprofen?", "Who must not take ibuprofen?"


class Shelf:
    """Finds by query what it is told to; all searches of a question wait for each other."""

    def __init__(self, found: dict[str, list[str]], *, together: int = 0) -> None:
        self._found = found
        self._together = asyncio.Barrier(together) if together else None
        self.queries: list[str] = []

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        self.queries.append(query)
        if self._together:
            await self._together.wait()
        found = tuple(candidate(TEXTS[one]) for one in self._found.get(query, ()))
        return SearchResult(found, searched_passages=3, searched_sources=2)


def candidate(passage: Passage, *, cosine: float = 0.7) -> Candidate:
    return Candidate(passage, score=0.8, cosine=cosine, bm25=3.0, coverage=0.9)


def engine(shelf: Shelf, *, judge: Judge | None = None) -> GraphEngine:
    library = MemoryLibrary(
        [
            (IBUPROFEN, tuple(one for one in TEXTS.values() if one.title == "Ibuprofen")),
            (WARFARIN, tuple(one for one in TEXTS.values() if one.title == "Warfarin")),
        ]
    )

    async def answer(
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        written = quote if quote is not None else f"{len(passages)} passages [1]."
        return EngineResult("stop", None), written.removeprefix(question.continues or "")

    graph = build_graph(
        planner=Planner(
            library=library,
            search=shelf,
            similarity=no_similarity,
            quotes_only=judge is None,
            answers_by="",
            clock=lambda: 0.0,
        ),
        search=shelf,
        words=FixedWords(WordUse(titled=frozenset({"ibuprofen", "warfarin"}))),
        reranker=SameOrder(),
        answerer=answer,
        judge=judge,
        clock=lambda: 0.0,
        quoting=None if judge else (choose_quotes, library),
    )
    return GraphEngine(graph, model_name="fake", now=lambda: NOW, text_of=answer_text)


def plan_of(items: Sequence[Stage | Token]) -> PlanningCompletePayload:
    [plan] = [one.content for one in items if one.type == "planning_complete"]
    return plan


async def test_each_part_is_searched_at_the_same_time_and_quoted_in_its_own_paragraph() -> None:
    shelf = Shelf({DOSE: ["ibuprofen 0"], TAKERS: ["ibuprofen 1", "ibuprofen 0"]}, together=2)
    items, ended, evidence = await run(engine(shelf), ASKED)
    assert sorted(shelf.queries) == sorted([DOSE, TAKERS])
    assert text_of(items) == (
        "The maximum dose of ibuprofen is 1,200 mg a day. [1]\n\n"
        "People with stomach ulcers must not take ibuprofen. [2]"
    )
    assert [one.passage_id for one in evidence.passages] == ["ibuprofen 0", "ibuprofen 1"]
    assert ended.finish_reason == "stop"
    assert types(items) == [
        *("planning_complete", "retrieval_start", "retrieval_complete", "reranking_start"),
        *("reranking_complete", "grading_start", "grading_complete", "generation_start", "token"),
    ]
    plan = plan_of(items)
    assert (plan.kind, plan.queries, plan.model_calls) == ("multi_step", (DOSE, TAKERS), None)
    [found] = [one.content for one in items if one.type == "retrieval_complete"]
    assert (found.query, found.doc_count) == (f"{DOSE} {TAKERS}", 2)


async def test_a_part_without_an_answer_is_named_with_what_is_nearest() -> None:
    question = replace(ASKED, text="How is warfarin stored? What is the capital of Mongolia?")
    shelf = Shelf({"How is warfarin stored?": ["warfarin 0"]})
    items, _, _ = await run(engine(shelf), question)
    assert text_of(items) == (
        "Warfarin is stored below 25 degrees. [1]\n\n"
        "I found nothing that answers “What is the capital of Mongolia?”."
    )


async def test_nothing_for_any_part_is_a_refusal() -> None:
    items, ended, _ = await run(engine(Shelf({})), ASKED)
    assert ended.finish_reason == "no_evidence"
    assert "nothing that answers the question" in text_of(items)


async def test_a_model_gets_the_passages_of_all_parts_and_needs_no_call_to_split() -> None:
    prompts: list[str] = []

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        prompts.append(str(messages[-1].content))
        return None

    shelf = Shelf({DOSE: ["ibuprofen 0"], TAKERS: ["ibuprofen 1"]})
    items, _, _ = await run(engine(shelf, judge=judge), ASKED)
    assert text_of(items) == "2 passages [1]."
    assert prompts == []
    assert (plan_of(items).model_calls, plan_of(items).max_model_calls) == (0, MAX_JUDGE_CALLS)


async def test_an_answer_from_reused_passages_has_the_same_parts_and_markers() -> None:
    shelf = Shelf({DOSE: ["ibuprofen 0"], TAKERS: ["ibuprofen 1"]})
    items, _, _ = await run(engine(shelf), ASKED)
    stored = tuple(
        StageRecord(one.type, one.content.model_dump(mode="json"))
        for one in items
        if one.type != "token"
    )
    whole = text_of(items)
    shelf.queries.clear()
    for said in (whole[:30], None):  # stopped, or to be answered again
        again = replace(ASKED, continues=said, reused_evidence=stored)
        rest, _, evidence = await run(engine(shelf), again)
        assert text_of(rest) == whole
        assert [one.passage_id for one in evidence.passages] == ["ibuprofen 0", "ibuprofen 1"]
    assert shelf.queries == []


async def test_parts_of_a_follow_up_are_put_into_full_words() -> None:
    shelf = Shelf({})
    question = replace(
        ASKED,
        text="And of ibuprofen? How is it stored?",
        history=(turn("What is the maximum dose of warfarin?"),),
    )
    await run(engine(shelf), question)
    assert shelf.queries == [DOSE, "How is ibuprofen stored?"]


def turn(question: str) -> Turn:
    return Turn(question, "Answered [1].", interrupted=False)
