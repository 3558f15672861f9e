"""I20.6: a question that computes with rows is answered from the table that was found."""

from dataclasses import replace

from app.domain.models import Candidate, Filters, Passage, Span
from app.domain.principals import LOCAL
from app.graph.nodes.tabulate import make_tabulate, table_sources
from app.graph.state import AnswerState
from app.runs.ports import Question
from tests.harness.memory_library import MemoryLibrary, source

SHEET = source("Orders", name="orders.xlsx")


def rows(position: int, *texts: str) -> Passage:
    spans, text = [], ""
    for row in texts:
        spans.append(Span("row", len(text), len(text) + len(row)))
        text += f"{row}\n"
    return Passage(
        passage_id=f"p{position}",
        source_id=SHEET.source_id,
        title=SHEET.title,
        kind="document",
        position=position,
        text=text.rstrip(),
        structure=tuple(spans),
    )


FIRST = rows(0, "Order: 1; Status: open", "Order: 2; Status: sent")
SECOND = rows(1, "Order: 3; Status: open")


def state(
    text: str, *, kept: tuple[Passage, ...] = (), near: tuple[Passage, ...] = ()
) -> AnswerState:
    def candidates(passages: tuple[Passage, ...]) -> tuple[Candidate, ...]:
        return tuple(Candidate(one, score=1, cosine=0.5, bm25=1, coverage=1) for one in passages)

    question = Question(
        run_id="r",
        session_id="s",
        message_id="m",
        principal=LOCAL,
        text=text,
        filters=Filters(),
    )
    return {"question": question, "kept": candidates(kept), "nearest": candidates(near)}


async def test_all_rows_of_the_source_count_not_only_those_that_were_found() -> None:
    node = make_tabulate(MemoryLibrary([(SHEET, (FIRST, SECOND))]), lambda: 0.0)
    for asked in (
        state("How many orders are open?", kept=(FIRST,)),
        state("How many orders are open?", near=(FIRST,)),
    ):
        update = await node(asked)
        assert update["composed"].startswith("**2**: 2 of 3 rows in “Orders”")
        assert [one.passage.passage_id for one in update["kept"]] == ["p0", "p1"]
        assert update["plan"].sources == ((SHEET.source_id, "Orders"),)


async def test_what_the_table_does_not_answer_is_left_to_the_passages() -> None:
    node = make_tabulate(MemoryLibrary([(SHEET, (FIRST, SECOND))]), lambda: 0.0)
    assert await node(state("How many people work there?", kept=(FIRST,))) == {}


def test_only_rows_and_computing_questions_lead_to_a_table() -> None:
    assert table_sources(state("How many orders are open?", kept=(FIRST,))) == [SHEET.source_id]
    assert table_sources(state("Why are orders open?", kept=(FIRST,))) == []
    prose = replace(FIRST, structure=())
    assert table_sources(state("How many orders are open?", kept=(prose,))) == []
