"""I20.1n: questions that describe what they do not name are recognised by their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.bridge_questions import may_need_steps


@pytest.mark.parametrize(
    "question",
    [
        "Who approves the expenses of the team that runs the battery bank?",
        "Is the person who owns the leave policy also the data protection contact?",
        "Where is the company based that services the boat?",
        "What reports does the fund want that pays for the charging point?",
        "In which room does the owner of the backup policy work?",
        "What is the extension of the person responsible for backups?",
        "Which language does the team running the control room speak?",
        "When does the manager of the supplier of the panels visit?",
        "Do both policies have the same owner?",
        "Is the deputy of the finance lead on call?",
        "At what time is the building locked in which the server room is?",
    ],
)
def test_they_may_need_steps(question: str) -> None:
    assert may_need_steps(question)


@pytest.mark.parametrize(
    "question",
    [
        "What are the side effects of aripiprazole?",
        "Who is the owner of the backup policy?",
        "Which company was chosen for the extension of the battery bank?",
        "What is the maximum dose of ibuprofen for adults?",
        "How long are backups kept?",
        "Who runs the battery bank?",
        "What happens when the alarm sounds?",
        "Is there insulin in the emergency kit?",
        "What is that?",
        "How many days of annual leave does a full-time employee have?",
        "the person who " * 100,
    ],
)
def test_one_search_is_enough(question: str) -> None:
    assert not may_need_steps(question)


@given(st.text(alphabet="the ofwhoat's?", max_size=400))
def test_any_text_is_read(question: str) -> None:
    assert may_need_steps(question) in (True, False)
