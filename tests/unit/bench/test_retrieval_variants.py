"""Evaluation questions with and without a filter, and about topics that no source covers."""

from bench.retrieval_collections import Collection, Question, Stored, Text
from bench.retrieval_results import is_held_out
from bench.retrieval_variants import (
    MAX_FOREIGN,
    Phrases,
    broad_questions,
    foreign_questions,
    large_sources,
    variants,
)

STORED = Stored(
    {},
    {"tea": "s1", "cup": "s2"},
    {**{f"tea#{n}": "tea" for n in range(5)}, "cup#0": "cup"},
)


def test_questions_of_one_source_are_asked_of_all_too() -> None:
    collection = Collection(
        "talks",
        (),
        (
            Question("1", "Tea?", {"tea#1": 1}, source="tea"),
            Question("2", "Milk?", {}, source="tea", answerable=False),
        ),
    )
    (varied,) = variants(collection, STORED)
    assert varied.name == "talks unfiltered"
    assert [(one.question_id, one.source) for one in varied.questions] == [("1", None)]


def test_questions_of_a_library_are_asked_of_a_large_source_too() -> None:
    collection = Collection(
        "cups",
        (),
        (Question("1", "Tea?", {"cup#0": 1, "tea#1": 2}), Question("2", "Cup?", {"cup#0": 1})),
    )
    (varied,) = variants(collection, STORED)
    assert varied.name == "cups filtered"
    assert [(one.question_id, one.source) for one in varied.questions] == [("1", "tea")]
    assert large_sources(STORED) == ["tea"]


def test_foreign_questions_are_restricted_as_the_others_are() -> None:
    own = Collection("talks", (), (Question("1", "Tea?", {"tea#1": 1}, source="tea"),))
    foreign = [Question(str(n), "Rust?", {"x": 1}, source="x") for n in range(3 * MAX_FOREIGN)]
    assert {one.source for one in foreign_questions(own, foreign, STORED, Phrases(()))} == {"tea"}
    free = foreign_questions(Collection("cups", (), ()), foreign, STORED, Phrases(()))
    assert {one.source for one in free} == {None}
    assert len(free) == MAX_FOREIGN


def test_a_topic_that_the_library_names_is_not_foreign_to_it() -> None:
    phrases = Phrases([Text("tea#0", "Green tea", "It is grown near steam engines.", None)])
    assert phrases.name("Steam engine")
    assert not phrases.name("Tea it")  # title and text are two
    assert not phrases.name("Engine near")
    assert not phrases.name(None)
    foreign = broad_questions(Collection("cups", (), (), ("Steam engine", "Rust")))
    asked = foreign_questions(Collection("tea", (), ()), foreign, STORED, phrases)
    assert [one.topic for one in asked] == ["Rust"]


def test_broad_questions_are_about_titles() -> None:
    questions = broad_questions(Collection("cups", (), (), ("Rust", "Oysters")))
    assert [one.text for one in questions] == [
        "What did the group discuss about Rust?",
        "Summarize the discussion about Oysters.",
    ]


def test_half_of_the_questions_are_held_out() -> None:
    held_out = [is_held_out(Question(str(n), "", {})) for n in range(1000)]
    assert 450 < sum(held_out) < 550
