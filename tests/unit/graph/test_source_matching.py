"""I20.1: sources and sections are found by their names."""

import pytest

from app.domain.models import Filters
from app.graph.source_matching import (
    in_category,
    main_title,
    matches_filters,
    named,
    numbered_section,
    sections,
    similar_ones,
    under_heading,
)
from tests.harness.memory_library import passages_of, source

LEAVE = source("Leave policy: Skerrick Island", name="documents/leave-policy.md")
TRAVEL = source("Expense and travel policy: Skerrick Island", name="documents/expenses.md")
WARFARIN = source("Warfarin")
TALK = source("Starting warfarin: a pharmacist answers", kind="recording", name="talk.vtt")
EVERYTHING = [LEAVE, TRAVEL, WARFARIN, TALK]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("the leave policy", [LEAVE]),
        ("expenses.md", [TRAVEL]),
        ("the readme of Warfarin", [WARFARIN]),
        ("warfarin", [WARFARIN]),
        ("the talk", [TALK]),
        ("the document about warfarin", [WARFARIN]),
        ("the policy of Skerrick Island", [LEAVE]),
        ("the parking rules", []),
        ("", []),
    ],
)
def test_the_closest_title_that_says_every_word_is_meant(
    subject: str, expected: list[object]
) -> None:
    assert named(subject, EVERYTHING) == expected


def test_a_question_that_may_be_a_title_says_most_of_it() -> None:
    assert named("policy", EVERYTHING, min_share=0.7) == []
    assert named("leave policy", EVERYTHING, min_share=0.7) == [LEAVE]


def test_a_category_stands_in_title_folder_or_tag() -> None:
    tagged = source("Valves", tags=("policies",))
    assert in_category("policies", [*EVERYTHING, tagged]) == [LEAVE, TRAVEL, tagged]
    assert in_category("", EVERYTHING) == []


@pytest.mark.parametrize(
    ("similarities", "expected"),
    [
        ([0.1, 0.45, 0.4, 0.12], [1, 2]),
        ([0.2, 0.1], []),
        ([0.34, 0.33, 0.32, 0.31, 0.3, 0.29], []),
        ([0.5, 0.6], [1, 0]),
        ([], []),
    ],
)
def test_what_is_alike_stands_out_from_the_rest(
    similarities: list[float], expected: list[int]
) -> None:
    assert sorted(similar_ones(similarities)) == sorted(expected)


def test_sections_are_those_below_a_title_that_covers_everything() -> None:
    texts = passages_of(
        LEAVE,
        ("Report > 1 Aims", "A."),
        ("Report > 1 Aims", "B."),
        ("Report > 2 Risks > Fire", "C."),
    )
    assert [(part.heading, len(part.passages)) for part in sections(texts)] == [
        ("1 Aims", 2),
        ("2 Risks", 1),
    ]
    assert [one.text for one in numbered_section("2", texts)] == ["C."]
    assert numbered_section("3", texts) == []


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("11 Risks", "11 Risks"),
        ("2 Strategy and risks", "2 Strategy and risks"),
        ("Risks of warfarin", "Risks of warfarin"),
        ("How the board and its committees treat risks", None),
        ("Aims", None),
        (None, None),
    ],
)
def test_a_heading_names_its_subject(heading: str | None, found: str | None) -> None:
    [passage] = passages_of(WARFARIN, (heading, "Text."))
    assert under_heading("risks", passage) == found


def test_filters_hold_for_sources_as_for_passages() -> None:
    assert matches_filters(TALK, Filters(kinds=("recording",)))
    assert not matches_filters(LEAVE, Filters(kinds=("recording",)))
    assert not matches_filters(LEAVE, Filters(source_ids=("other",)))
    assert not matches_filters(LEAVE, Filters(tags=("a",)))
    assert not matches_filters(LEAVE, Filters.model_validate({"after": "2026-11-21"}))
    assert matches_filters(LEAVE, Filters.model_validate({"after": "2026-11-20"}))
    assert not matches_filters(LEAVE, Filters.model_validate({"before": "2026-11-20"}))


@pytest.mark.parametrize(
    ("title", "main"),
    [
        ("Leave policy: Skerrick Island", "Leave policy"),
        ("Structures (libffi: the foreign function interface)", None),
        ("Pumps (old): manual", "Pumps (old)"),
    ],
)
def test_a_title_is_not_cut_within_brackets(title: str, main: str | None) -> None:
    assert main_title(title) == (main or title)
