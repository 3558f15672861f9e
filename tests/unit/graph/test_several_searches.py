"""I20.1k to I20.1n: questions that need several searches, through the whole graph."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from langchain_core.messages import BaseMessage

from app.domain.conversation_models import StageRecord
from app.domain.events import PlanningCompletePayload, Stage, Token
from app.domain.models import Candidate, Filters, Passage, SearchResult, Turn, WordUse
from app.domain.principals import LOCAL, Principal
from app.graph.build import build_graph
from app.graph.engine import GraphEngine
from app.graph.model_replies import MAX_QUERIES, MAX_QUERY_LENGTH, search_queries
from app.graph.nodes.plan import Planner
from app.graph.prompts import DECOMPOSE, GRADE
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
    """Returns scripted results by query; all searches of a question wait for each other."""

    def __init__(
        self, found: dict[str, list[str]], *, together: int = 0, doubtful: bool = False
    ) -> None:
        """`doubtful`: every query finds the first passage, with a doubtful score."""
        self._found = found
        self._doubtful = doubtful
        self._together = asyncio.Barrier(together) if together else None
        self.queries: list[str] = []

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        self.queries.append(query)
        if self._together:
            await self._together.wait()
        found = tuple(candidate(TEXTS[one]) for one in self._found.get(query, ()))
        if self._doubtful:
            found = (replace(candidate(TEXTS["ibuprofen 1"]), cosine=0.45, coverage=0.55),)
        return SearchResult(found, searched_passages=300, searched_sources=2)


def candidate(passage: Passage) -> Candidate:
    return Candidate(passage, score=0.8, cosine=0.7, bm25=3.0, coverage=0.9)


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


BRIDGE = replace(ASKED, text="How is the medicine stored that must not be taken with ulcers?")
FIRST = {BRIDGE.text: ["ibuprofen 1"]}


class Model:
    """A judge that replies to its prompts: the steps, once, and verdicts."""

    def __init__(self, steps: str | None, verdict: str = '{"relevant": [1]}') -> None:
        self.steps = steps
        self.verdict = verdict
        self.prompts: list[tuple[str, str]] = []

    async def __call__(self, messages: Sequence[BaseMessage]) -> str | None:
        self.prompts.append((str(messages[0].content), str(messages[-1].content)))
        if messages[0].content == DECOMPOSE:
            return self.steps
        return self.verdict if messages[0].content == GRADE else None


async def test_the_model_names_what_is_missing_once_it_has_seen_what_was_found() -> None:
    model = Model("ibuprofen storage\n- warfarin storage")
    shelf = Shelf({**FIRST, "warfarin storage": ["warfarin 0"], "ibuprofen storage": []})
    items, _, evidence = await run(engine(shelf, judge=model), BRIDGE)
    assert shelf.queries == [BRIDGE.text, "ibuprofen storage", "warfarin storage"]
    [(task, prompt)] = model.prompts
    assert task == DECOMPOSE
    assert "People with stomach ulcers" in prompt
    assert prompt.endswith(f"Question: {BRIDGE.text}")
    assert [one.passage_id for one in evidence.passages] == ["ibuprofen 1", "warfarin 0"]
    plan = plan_of(items)
    assert (plan.kind, plan.queries) == (
        "multi_step",
        ("ibuprofen storage", "warfarin storage"),
    )
    assert (plan.model_calls, plan.max_model_calls) == (1, MAX_JUDGE_CALLS)
    stages = [one.type for one in items]
    assert stages.index("planning_complete") > stages.index("grading_complete")
    assert stages.count("retrieval_complete") == 2


@pytest.mark.parametrize("reply", ["NONE", "None.", "", None, BRIDGE.text, "<think>none</think>"])
async def test_nothing_missing_is_nothing_searched(reply: str | None) -> None:
    shelf = Shelf(FIRST)
    items, _, evidence = await run(engine(shelf, judge=Model(reply)), BRIDGE)
    assert shelf.queries == [BRIDGE.text]
    assert "planning_complete" not in types(items)
    assert [one.passage_id for one in evidence.passages] == ["ibuprofen 1"]


async def test_steps_that_find_nothing_lose_nothing() -> None:
    shelf = Shelf(FIRST)
    _, ended, evidence = await run(engine(shelf, judge=Model("ibuprofen storage")), BRIDGE)
    assert shelf.queries == [BRIDGE.text, "ibuprofen storage"]
    assert [one.passage_id for one in evidence.passages] == ["ibuprofen 1"]
    assert ended.finish_reason == "stop"


async def test_a_plain_lookup_is_not_asked_about() -> None:
    model = Model("something else")
    shelf = Shelf({DOSE: ["ibuprofen 0"]})
    items, _, _ = await run(engine(shelf, judge=model), replace(ASKED, text=DOSE))
    assert model.prompts == []
    assert types(items)[0] == "retrieval_start"
    assert "planning_complete" not in types(items)


async def test_a_model_that_always_wants_more_is_asked_so_often_and_no_more() -> None:
    """It rejects the results of every search, and names new queries each time."""
    asked: list[int] = []

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        asked.append(1)
        relevant = messages[0].content == GRADE
        return '{"relevant": []}' if relevant else f"medicine storage number {len(asked)}"

    shelf = Shelf({BRIDGE.text: ["ibuprofen 1"]}, doubtful=True)
    question = replace(BRIDGE, history=(turn("What is warfarin?"),))
    _, ended, _ = await run(engine(shelf, judge=judge), question)
    assert ended.finish_reason in ("stop", "no_evidence")
    assert len(asked) <= MAX_JUDGE_CALLS
    assert len(shelf.queries) == 3


@pytest.mark.parametrize(
    "reply",
    [
        "dose of ibuprofen\nstorage of warfarin",
        "1. dose of ibuprofen\n2. storage of warfarin",
        "Here are the queries:\n- dose of ibuprofen\n- “storage of warfarin”",
        "Query 1: dose of ibuprofen\nQuery 2: storage of warfarin",
        '["dose of ibuprofen", "storage of warfarin"]',
        '```json\n{"queries": ["dose of ibuprofen", "storage of warfarin"]}\n```',
        "<think>Two facts.</think>dose of ibuprofen\nstorage of warfarin",
        "dose of ibuprofen\ndose of ibuprofen\nIbuprofen dose\nstorage of warfarin of #1",
    ],
)
def test_queries_are_read_however_they_are_dressed(reply: str) -> None:
    found = search_queries(reply, asked="Which one?")
    assert [one.removesuffix(" of ").removesuffix(" of") for one in found] == [
        "dose of ibuprofen",
        "storage of warfarin",
    ]


def test_queries_are_few_and_short() -> None:
    many = "\n".join(f"storage of medicine number {letter}{letter}" for letter in "abcdefgh")
    assert len(search_queries(many, asked="")) == MAX_QUERIES
    assert search_queries("word " * MAX_QUERY_LENGTH, asked="") == ()
    assert search_queries("[" * 50_000, asked="") == ()
