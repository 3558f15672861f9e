"""Questions made from a source's own words."""

from dataclasses import replace
from datetime import UTC, datetime

from app.domain.models import Cue, Passage, Source
from app.text.question_suggestions import detect_language, suggest_questions

BOOK = Source(
    source_id="s",
    owner_id="o",
    shared=False,
    title="Heron survey: Quarrington Weir",
    kind="document",
    name="heron.pdf",
    media_type="application/pdf",
    content_hash="",
    passage_count=2,
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)


def passage(text: str, heading: str | None = None, *, position: int = 0) -> Passage:
    return Passage(f"p{position}", "s", BOOK.title, "document", position, text, heading)


def asked(*passages: Passage, source: Source = BOOK) -> list[str]:
    return [one.question for one in suggest_questions(source, passages)]


def test_definitions_and_headings_come_in_turn_before_the_rest() -> None:
    questions = asked(
        passage(
            "Hatching began early. A scrape is a shallow nest on bare ground. It is a bowl.",
            "1 Introduction",
        ),
        passage(
            "The Weir Trust is the owner. There are 47 nests.", "2.1 Nests and eggs", position=1
        ),
        passage("In 2024 the rangers saw 1,200 birds.", "Who counts?", position=2),
    )
    assert questions[:4] == [
        "What is a scrape?",
        "What does “Heron survey” say about nests and eggs?",
        "What is the Weir Trust?",
        "Who counts?",
    ]
    assert "How many nests does “Heron survey” mention?" in questions
    assert "How many birds does “Heron survey” mention?" in questions
    assert len(questions) == len(set(questions))


def test_a_question_names_the_passage_that_suggested_it() -> None:
    (first, *_) = suggest_questions(BOOK, [passage("Herons are wading birds."), passage("x", "Y")])
    assert first.passage_id == "p0"


def test_people_of_a_recording_are_asked_about_what_they_say() -> None:
    said = "Ana: The relay was late. The relay failed.\nBo: Batteries held, batteries are fine."
    talk = replace(
        passage(said),
        kind="recording",
        cues=(Cue(5, 40, 0.0, 3.0, "Ana"), Cue(45, 80, 3.0, 6.0, "Bo")),
    )
    questions = asked(talk, source=replace(BOOK, kind="recording"))
    assert any(question.startswith("What does Ana say about ") for question in questions)
    assert any(question.startswith("What does Bo say about ") for question in questions)


def test_german_is_asked_in_german() -> None:
    text = "Ein Horst ist ein Nest der Reiher. Die Wiese liegt am Fluss und ist nicht mit Bäumen"
    assert detect_language(text) == "de"
    questions = asked(passage(text, "Die Zählung"))
    assert questions[:2] == ["Was ist ein Horst?", "Was sagt „Heron survey“ über die Zählung?"]


def test_odd_sources_are_survived() -> None:
    assert asked() == []
    assert asked(passage("🫖 🫖"), source=replace(BOOK, title="🫖")) == []
    long = replace(BOOK, title="<b>" + "x" * 300)
    assert all(len(question) < 200 for question in asked(passage("y " * 9, "Eggs"), source=long))
