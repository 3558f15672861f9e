"""Headings become questions that a person would ask, or none."""

import pytest

from app.text.heading_questions import (
    heading_question,
    is_informative,
    is_plain,
    mid_sentence,
    named,
)


def asked(heading: str, title: str | None = "Remote Work Policy") -> str | None:
    return heading_question(heading, title, mid_sentence=mid_sentence)


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("What aripiprazole is for", "What is aripiprazole for?"),
        ("Where backups are kept", "Where are backups kept?"),
        ("How long backups are kept", "How long are backups kept?"),
        ("What is backed up", "What is backed up?"),
        ("How the pump works", "How does the pump work?"),
        ("When to call a doctor", "When should I call a doctor?"),
        ("How to take aripiprazole and usual dosage", "How do I take aripiprazole?"),
        ("Installing updates", "How do I install updates?"),
        ("Running the tests", "How do I run the tests?"),
        ("Check the oil", "How do I check the oil?"),
        ("If a cell fails", "What happens if a cell fails?"),
        ("In case of fire", "What should I do in case of fire?"),
        ("Side effects of aripiprazole", "What are the side effects of aripiprazole?"),
        ("Who counts?", "Who counts?"),
        ("Eligibility", "What does the Remote Work Policy say about eligibility?"),
        (
            "Charging and discharging limits",
            "What does the Remote Work Policy say about charging and discharging limits?",
        ),
    ],
)
def test_a_heading_is_asked_for(heading: str, question: str) -> None:
    assert asked(heading) == question


def test_what_a_thing_has_is_asked_of_the_thing() -> None:
    assert asked("Common side effects", "Warfarin") == (
        "What are the common side effects of warfarin?"
    )
    assert asked("Eligibility", None) is None


@pytest.mark.parametrize(
    "heading",
    [
        "It's still not working",
        "Where to send?",
        "What about libjpeg?",
        "Is this safe?",
        "About this report",
        "Abroad",
        "Employees who work abroad are insured",
    ],
)
def test_what_reads_like_a_sentence_or_leans_on_the_text_is_no_question(heading: str) -> None:
    assert asked(heading) is None


@pytest.mark.parametrize(
    "heading",
    [
        "q", "x_max", "parse()", "--verbose", "ffiType", "${NAME}", "<project-id>", "2024", "3",
        "Monday 3 November 2025", "Slide 1", "Sheet", "Introduction", "Part 2", "a.b.c", "§ 3",
    ],
)  # fmt: skip
def test_letters_code_placeholders_numbers_and_days_are_not_asked_for(heading: str) -> None:
    assert not is_informative(heading, "Handbook")


def test_names_are_words() -> None:
    assert is_plain("side effects")
    assert not is_plain("")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Remote Work Policy", "the Remote Work Policy"),
        ("Annual Sustainability Report 2025", "the Annual Sustainability Report 2025"),
        ("Debian Python Policy 0.12.0.0 documentation", "the Debian Python Policy"),
        ("Emergency kit", "“Emergency kit”"),
        ("BUG REPORTS", "“BUG REPORTS”"),
    ],
)
def test_a_document_is_named_within_a_sentence(title: str, shown: str) -> None:
    assert named(title) == shown
