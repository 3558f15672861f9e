import pytest

from app.domain.models import Correction
from app.text.spelling import (
    begins_word,
    closest,
    corrected,
    edit_distance,
    is_typing_error,
    patterns,
    suspects,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ibuprofin", "ibuprofen"),
        ("ibuprophen", "ibuprofen"),
        ("ibuprfoen", "ibuprofen"),
        ("recomend", "recommend"),
        ("amoxicilin", "amoxicillin"),
        ("amoxycilin", "amoxicillin"),
        ("aripriprazol", "aripiprazol"),
        ("emision", "emission"),
        ("suplier", "supplier"),
        ("compresor", "compressor"),
    ],
)
def test_typing_errors_are_recognised(typed: str, meant: str) -> None:
    assert is_typing_error(typed, meant, careful=False)


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("prednison", "prednisolon"),
        ("hydralazin", "hydroxyzin"),
        ("chlorpromazin", "chlorpropamid"),
        ("ibuprofen", "ibuprofen"),
        ("mongolia", "magnolia"),
        ("host", "cost"),
    ],
)
def test_other_words_are_no_typing_errors(typed: str, other: str) -> None:
    assert not is_typing_error(typed, other, careful=typed == "host")


def test_a_name_is_only_another_spelling_of_the_same_sound() -> None:
    assert is_typing_error("imren", "imran", careful=True)
    assert is_typing_error("esbejrg", "esbjerg", careful=True)
    assert not is_typing_error("kolding", "holding", careful=True)
    assert is_typing_error("kolding", "holding", careful=False)


def test_the_distance_counts_swapped_neighbours_once_and_stops() -> None:
    assert edit_distance("warfrain", "warfarin", most=2) == 1
    assert edit_distance("kitten", "sitting", most=2) == 3
    assert edit_distance("", "ab", most=2) == 2
    assert edit_distance("a" * 1000, "b" * 1000, most=2) == 3


def test_every_word_within_two_errors_fits_a_pattern() -> None:
    # Two errors leave one of three parts as it is.
    assert patterns("recomend") == ["re%", "%co%", "%mend"]


def test_only_words_that_can_be_recognised_are_suspects() -> None:
    assert suspects("What is the maxmum dose of IBUPROFIN or ibuprofin, 30mg?") == [
        "maxmum",
        "ibuprofin",
    ]


def test_corrections_replace_whole_words() -> None:
    fixed = corrected(
        "ibuprofin, not ibuprofins", [Correction(typed="ibuprofin", searched="ibuprofen")]
    )
    assert fixed == "ibuprofen, not ibuprofins"


def test_a_word_is_found_at_the_beginning_of_words_only() -> None:
    assert begins_word("effect", "side effects")
    assert not begins_word("efect", "birth defects")


def test_the_spelling_is_the_one_in_the_text() -> None:
    assert closest("recomended", "We recommend the Recommended dose; records.") == "recommended"
    assert closest("xyz", "nothing alike") == ""
    assert closest("expresso", "An espresso.") == "espresso"
    assert closest("gevent", "An event.") == ""
