"""Follow-up questions become standalone questions."""

import pytest

from app.domain.models import Turn, WordUse
from app.graph.query_contextualization import is_follow_up, standalone
from tests.unit.graph.conversations import CONVERSATIONS, Library

NAMED = [
    pytest.param(library, block, id=f"{name}-{number}")
    for name, (library, text) in CONVERSATIONS.items()
    for number, block in enumerate(text.strip().split("\n\n"))
]


@pytest.mark.parametrize(("library", "block"), NAMED)
def test_each_turn_is_put_into_full_words(library: Library, block: str) -> None:
    history: list[Turn] = []
    for line in block.strip().splitlines():
        turn, _, expected = line.strip().partition(" => ")
        question = turn.removeprefix("~")
        assert standalone(question, history, library.words).text == (expected or question)
        history.append(
            Turn(question, "An answer. [1]", interrupted=False, answered=question == turn)
        )


def test_a_question_without_history_is_as_it_is_asked() -> None:
    for question in ("Why?", "And of ibuprofen?", "no, I meant that", "Can they be combined?"):
        assert standalone(question, (), WordUse()).text == question


def test_a_guess_is_uncertain() -> None:
    history = (Turn("What did we decide in the meeting?", "That [1].", interrupted=False),)
    assert not standalone("Who decided that?", history, WordUse()).certain
    assert standalone("And in the board meeting?", history, WordUse()).certain


def test_a_person_is_found_in_the_answer() -> None:
    answer = "The backups are run by Priya Nair, [1] who reports to the board. [2]"
    history = (Turn("Who is responsible for the backups?", answer, interrupted=False),)
    done = standalone("What did she say about tapes?", history, WordUse())
    assert done.text == "What did Priya Nair say about tapes?"


def test_an_interrupted_answer_is_continued() -> None:
    history = (Turn("How do I restart the pump?", "", interrupted=True),)
    assert standalone("And the fan?", history, WordUse()).text == "How do I restart the fan?"


@pytest.mark.parametrize(
    "question", ["not " * 20_000, "is it " * 20_000 + "to", "and " * 50_000, "that one " * 20_000]
)
def test_a_long_question_is_left_alone(question: str) -> None:
    history = (Turn("How do I restart the pump?", "So [1].", interrupted=False),) * 20
    assert standalone(question, history, WordUse()).text == question
    assert not is_follow_up(question)


def test_parts_of_a_message_share_their_subject() -> None:
    history = [Turn("Can warfarin be taken with alcohol?", "", interrupted=False)]
    words = WordUse(
        titled=frozenset({"warfarin"}), within={"warfarin": frozenset({"dose", "missed"})}
    )
    part = "What happens if a dose is missed?"
    assert standalone(part, history, words).text == part
    found = standalone(part, history, words, same_message=True)
    assert found.text == "What happens if a dose is missed for warfarin?"
    elsewhere = standalone("What is the hotel limit?", history, words, same_message=True)
    assert elsewhere.text == "What is the hotel limit?"
