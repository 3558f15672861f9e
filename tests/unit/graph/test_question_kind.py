"""I20.1: the kind of a question is recognised by its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.question_kind import asked_for


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("hello", "greeting"),
        ("Hi there!", "greeting"),
        ("Guten Morgen", "greeting"),
        ("thanks", "thanks"),
        ("ok, thank you very much.", "thanks"),
        ("bye", "farewell"),
        ("who are you?", "about"),
        ("What can you do?", "about"),
        ("what can you do for me?", "about"),
        ("hey, can you help me?", "about"),
        ("?", "unclear"),
        ("… !!", "unclear"),
        ("Write a poem about aripiprazole", "task"),
        ("Please compose a short song about valves", "task"),
        ("Can you translate the leave policy into French?", "task"),
    ],
)
def test_talk_needs_no_search(question: str, kind: str) -> None:
    assert asked_for(question).kind == kind


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("What documents do you have?", ""),
        ("Which files are there?", ""),
        ("What's in the library?", ""),
        ("Please list all sources", ""),
        ("list all the drugs in the library", "drugs"),
        ("Which medicines are described here?", "medicines"),
        ("Show me all policies", "policies"),
        ("How many policies are in the library?", "policies"),
    ],
)
def test_an_inventory_is_asked_for(question: str, subject: str) -> None:
    asked = asked_for(question)
    assert (asked.kind, asked.subject) == ("inventory", subject)


def test_recordings_are_a_kind_of_source_and_counting_is_told_from_listing() -> None:
    asked = asked_for("How many recordings do you have?")
    assert (asked.kind, asked.source_kind, asked.counts_only) == ("inventory", "recording", True)
    assert not asked_for("List the recordings").counts_only


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Is Imran mentioned anywhere?", "Imran"),
        ("Where is the boathouse mentioned?", "boathouse"),
        ("Which documents mention load shedding?", "load shedding"),
        ("Does any document mention a boathouse?", "boathouse"),
        ("How often is Leila Novak mentioned?", "Leila Novak"),
        ("Do you have anything on dementia?", "dementia"),
    ],
)
def test_mentions_are_asked_for(question: str, subject: str) -> None:
    asked = asked_for(question)
    assert (asked.kind, asked.subject) == ("mentions", subject)


@pytest.mark.parametrize(
    ("question", "subject", "detail"),
    [
        ("Who attended the team meeting?", "team meeting", "speakers"),
        ("List the participants of the planning meeting", "planning meeting", "speakers"),
        ("How long is the planning meeting?", "planning meeting", "length"),
        ("How many pages does the report have?", "report", "length"),
        ("When was the leave policy uploaded?", "leave policy", "day"),
    ],
)
def test_details_of_a_source_are_asked_for(question: str, subject: str, detail: str) -> None:
    asked = asked_for(question)
    assert (asked.kind, asked.subject, asked.other) == ("details", subject, detail)


@pytest.mark.parametrize(
    ("question", "subject", "is_certain"),
    [
        ("summarise the leave policy", "the leave policy", True),
        ("Could you give me a summary of the outage review, please?", "the outage review", True),
        ("What is this document about?", "this document", True),
        ("Can you tell me what the leave policy is about?", "the leave policy", False),
        ("What does the leave policy say?", "the leave policy", False),
        ("What are the key points?", "", True),
        ("warfarin", "warfarin", False),
    ],
)
def test_a_whole_source_is_asked_for(question: str, subject: str, is_certain: bool) -> None:
    asked = asked_for(question)
    assert (asked.kind, asked.subject, asked.is_certain) == ("whole", subject, is_certain)


@pytest.mark.parametrize(
    ("question", "subject", "other"),
    [
        ("Summarise chapter 7", "7", ""),
        ("What is in section 3 of the handbook?", "3", "handbook"),
        ("What do I need to know about chemicals?", "chemicals", ""),
        ("Tell me about metformin", "metformin", ""),
        ("What are the risks?", "risks", ""),
        ("What targets were set?", "targets", ""),
    ],
)
def test_a_section_is_asked_for(question: str, subject: str, other: str) -> None:
    asked = asked_for(question)
    assert (asked.kind, asked.subject, asked.other) == ("section", subject, other)


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between sertraline and aripiprazole?",
        "compare sertraline with aripiprazole",
        "Sertraline vs. aripiprazole",
        "How does sertraline differ from aripiprazole?",
        "What distinguishes the sertraline and the aripiprazole?",
    ],
)
def test_a_comparison_has_two_subjects(question: str) -> None:
    asked = asked_for(question)
    assert asked.kind == "comparison"
    assert (asked.subject.lower(), asked.other) == ("sertraline", "aripiprazole")


@pytest.mark.parametrize(
    "question",
    [
        "What is the maximum dose of aripiprazole for adults with schizophrenia?",
        "Which medicines interact with aripiprazole?",
        "How many employees are there?",
        "How many employees does Harbour Textile have?",
        "list all the steps to restart the pump",
        "Which suppliers failed the audit and why?",
        "Is there insulin in the emergency kit?",
        "What is tardive dyskinesia?",
        "How do I restart the pump?",
        "Who wrote the letter that the mayor answered in March?",
        "And of ibuprofen?",
        "Which orders are still open?",
    ],
)
def test_everything_else_is_looked_up(question: str) -> None:
    assert asked_for(question).kind == "lookup"


@given(st.text(max_size=300))
def test_every_text_is_some_kind_of_question(text: str) -> None:
    assert asked_for(text).kind
