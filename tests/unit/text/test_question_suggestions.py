"""Questions made from a source's own words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.models import Cue, Passage, Source, Span
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
        "What does “Heron survey” say about nests and eggs?",
        "What is a scrape?",
        "Who counts?",
        "What is the Weir Trust?",
    ]
    assert len(questions) == len(set(questions))


def test_a_question_names_the_passage_that_suggested_it() -> None:
    (first, *_) = suggest_questions(BOOK, [passage("A heron is a wading bird."), passage("x", "Y")])
    assert first.passage_id == "p0"


def test_people_of_a_recording_are_asked_about_what_they_say() -> None:
    said = "Ana: The relay was late. The relay failed.\nBo: The batteries are fine."
    talk = replace(
        passage(said),
        kind="recording",
        cues=(Cue(5, 40, 0.0, 3.0, "Ana"), Cue(45, 68, 3.0, 6.0, "Bo")),
    )
    questions = asked(talk, source=replace(BOOK, kind="recording"))
    assert questions == [
        "What does Ana say about the relay?",
        "What does Bo say about the batteries?",
    ]


def test_german_is_asked_in_german() -> None:
    text = "Ein Horst ist ein Nest der Reiher. Die Wiese liegt am Fluss und ist nicht mit Bäumen"
    assert detect_language(text) == "de"
    questions = asked(passage(text, "Die Zählung"))
    assert questions[:2] == ["Was sagt „Heron survey“ über die Zählung?", "Was ist ein Horst?"]


def test_odd_sources_are_survived() -> None:
    assert asked() == []
    assert asked(passage("🫖 🫖"), source=replace(BOOK, title="🫖")) == []
    long = replace(BOOK, title="<b>" + "x" * 300)
    assert all(len(question) < 200 for question in asked(passage("y " * 9, "Eggs"), source=long))


@pytest.mark.parametrize(
    "sentence",
    [
        "q is a number.",
        "Offsets is a pointer to an array.",
        "The second argument is the name of the stream.",
        "Since this reservation is a promise, it is kept.",
        "If the hare set is a subset, nothing happens.",
        "This is a list.",
        "ffi_type is a structure.",
        "Area is the product of both sides.",
        "The initialization of the state is the first step.",
    ],
)
def test_what_is_no_definition_is_not_asked_for(sentence: str) -> None:
    assert asked(passage(f"It is said in the text and for the reader. {sentence}")) == []


def test_rows_and_code_define_nothing() -> None:
    text = "The tea and the milk.\nA kettle is a pot."
    assert asked(passage(text)) == ["What is a kettle?"]
    row = replace(passage(text), structure=(Span("code", 22, len(text)),))
    assert asked(row) == []


def test_other_languages_suggest_the_questions_they_ask_themselves() -> None:
    text = "Le port est ouvert et la mer est calme dans la baie. " * 3
    assert detect_language(text) == "other"
    assert asked(passage(text, "Les heures"), passage(text, "Quand commence la visite ?")) == [
        "Quand commence la visite ?"
    ]
    assert asked(passage("请在门口的桌子上登记姓名和电话号码。")) == []


def test_sheet_names_are_no_topics_and_titles_that_say_nothing_are_not_named() -> None:
    rows = "Item: Pump; Cost: 12\nItem: Valve; Cost: 3"
    sheet = replace(passage(rows, "Prices"), structure=(Span("row", 0, 20), Span("row", 21, 41)))
    assert asked(sheet) == []
    menu = replace(BOOK, title="Menu")
    text = "The soup is on the table and the bread is in the oven."
    assert asked(passage(text, "Prices"), source=menu) == []
    assert asked(passage(text, "How to bake the bread"), source=menu) == [
        "How do I bake the bread?"
    ]


def test_capitals_of_a_heading_are_those_of_the_text() -> None:
    text = "Send merge requests to Debian, and the requests are read in Debian."
    questions = asked(passage(text, "Merge Requests"), passage(text, "Debian Servers", position=1))
    assert questions == [
        "What does “Heron survey” say about merge requests?",
        "What does “Heron survey” say about Debian Servers?",
    ]
    assert asked(passage(text, "READING REQUESTS IN DEBIAN")) == [
        "How do I read requests in Debian?"
    ]


def test_after_a_place_what_is_nearest_comes_first() -> None:
    passages = [
        passage("It is in the text for the reader.", f"{name} eggs", position=at)
        for at, name in enumerate(("Heron", "Grebe", "Coot"))
    ]
    found = suggest_questions(BOOK, passages, near=2)
    assert [one.passage_id for one in found] == ["p2", "p1", "p0"]
