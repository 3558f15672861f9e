"""I20.1l: the quotes for several questions form one answer."""

from app.domain.models import Quotes
from app.graph.joined_quotes import joined_quotes


def test_markers_count_the_passages_of_the_whole_answer() -> None:
    made = joined_quotes(
        [
            Quotes("One. [1] Two. [2]", (4, 2), (2,)),
            Quotes("Nobody knows.", (), ()),
            Quotes("- Three [1]\n- Two again [2]", (0, 2), ()),
        ]
    )
    assert made.text == "One. [1] Two. [2]\n\nNobody knows.\n\n- Three [3]\n- Two again [2]"
    assert (made.cited, made.unfinished) == ((4, 2, 0), (2,))


def test_what_was_said_is_not_said_again() -> None:
    made = joined_quotes(
        [
            Quotes("One. [1]\n\nTwo. [2]", (5, 6), ()),
            Quotes("Two. [1]", (6,), ()),
            Quotes("Two. [1]\n\nThree. [2]", (6, 7), ()),
        ]
    )
    assert made.text == "One. [1]\n\nTwo. [2]\n\nThree. [3]"
    assert made.cited == (5, 6, 7)
