"""Quoting mode chooses its quotes before the answer begins."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.models import Candidate, Filters, Passage
from app.domain.principals import LOCAL, Principal
from app.graph.nodes.quote import MAX_AROUND, make_quote
from app.graph.state import AnswerState
from app.llm.extractive_answer import quote
from app.runs.ports import Question


class Shelf:
    """A library of one source that records what was fetched."""

    def __init__(self, *texts: str) -> None:
        self.stored = [
            Passage(f"p{at}", "s", "Kit", "document", at, text) for at, text in enumerate(texts)
        ]
        self.fetched: list[tuple[int, int]] = []

    async def passages_between(
        self, principal: Principal, source_id: str, first: int, last: int
    ) -> tuple[Passage, ...]:
        self.fetched.append((first, last))
        return tuple(one for one in self.stored if first <= one.position <= last)

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None:
        return next((one for one in self.stored if one.passage_id == passage_id), None)


def kept(passages: Sequence[Passage]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(passage, score=1.0, cosine=1.0, bm25=1.0, coverage=1.0) for passage in passages
    )


async def chosen(shelf: Shelf, text: str, *found: int, continues: str | None = None) -> AnswerState:
    question = Question("r", "c", "m", LOCAL, text, Filters(), continues=continues)
    passages = [shelf.stored[at] for at in found]
    return await make_quote(quote, shelf)({"question": question, "kept": kept(passages)})


async def test_the_passages_are_those_that_are_quoted_in_their_order() -> None:
    shelf = Shelf("Dogs bark.", "It is old. It has a lamp.", "The kit weighs 4 kilos.")
    state = await chosen(shelf, "How much does the kit weigh?", 0, 1, 2)
    assert state["quote"] == "The kit weighs 4 kilos. [1]"
    assert [one.passage.passage_id for one in state["kept"]] == ["p2"]
    assert shelf.fetched == []


async def test_a_list_that_goes_on_is_fetched_and_quoted_whole() -> None:
    shelf = Shelf(
        "Intro.", "The kit must contain:\n\n- rope\n- map", "- knife\n- lamp", "Dogs bark."
    )
    state = await chosen(shelf, "What must the kit contain?", 1)
    assert state["quote"] == (
        "The kit must contain:\n\n- rope [1]\n- map [1]\n- knife [2]\n- lamp [2]"
    )
    assert [one.passage.passage_id for one in state["kept"]] == ["p1", "p2"]
    assert shelf.fetched == [(1 - MAX_AROUND, 1 + MAX_AROUND)]


async def test_a_list_that_ends_with_its_section_stays_as_it_is() -> None:
    shelf = Shelf("The kit must contain:\n\n- rope\n- map", "- bread")
    shelf.stored[1] = replace(shelf.stored[1], heading="Food")
    state = await chosen(shelf, "What must the kit contain?", 0)
    assert state["quote"].endswith("- map [1]")
    assert [one.passage.passage_id for one in state["kept"]] == ["p0"]


async def test_a_continued_answer_keeps_the_passages_of_its_markers() -> None:
    shelf = Shelf("Dogs bark.", "The kit weighs 4 kilos.")
    state = await chosen(shelf, "How much does the kit weigh?", 0, 1, continues="The kit")
    assert [one.passage.passage_id for one in state["kept"]] == ["p0", "p1"]
    assert "quote" not in state


async def test_nothing_is_quoted_from_nothing() -> None:
    assert await chosen(Shelf(), "What?") == {}


async def test_a_follow_up_is_quoted_as_it_is_in_full_words() -> None:
    shelf = Shelf("The kit weighs 4 kilos.", "The lamp costs 9 euros.")
    question = Question("r", "c", "m", LOCAL, "And the lamp?", Filters())
    state: AnswerState = {
        "question": question,
        "standalone": "How much does the lamp cost?",
        "kept": kept(shelf.stored),
    }
    assert (await make_quote(quote, shelf)(state))["quote"] == "The lamp costs 9 euros. [1]"
