"""Names in a question, and whether a text contains them."""

import pytest

from app.search.query_terms import FRAMING_WORDS
from app.text.names import says_name, uncommon_words, written_names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("How do I stream a meeting to Twitch?", ["Twitch"]),
        ("What does GDPR stand for?", ["GDPR"]),
        ("what does error E05 of the X200_b mean", ["E05", "X200_b"]),
        ("Who is the author of Monty Python?", ["Monty", "Python"]),
        # The first word, a title and words in capitals are no evidence.
        ("Bonfires are allowed when?", []),
        ("What Is The Rent For A Half Plot?", []),
        ("WHEN IS THE SUMMER PARTY", []),
        # Days, numbers with units, chapters, and words for a source.
        ("Is it open on Sunday or in May?", []),
        ("May a bike carry 80kg in the 1990s?", []),
        ("What does chapter IV of the PDF say?", []),
    ],
)
def test_names_are_told_by_how_they_are_written(query: str, names: list[str]) -> None:
    assert written_names(query) == names


def test_a_plain_word_is_looked_up_where_it_is_much_of_the_question() -> None:
    words = uncommon_words("How does clozapine work?", FRAMING_WORDS)
    assert words == ["clozapine"]
    assert uncommon_words("side effects of quetiapine", ()) == ["effects", "quetiapine"]
    assert not uncommon_words("Which imperialistic policies did the rulers of Spain follow?", ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Twitch", "We are on twitch.tv."),
        ("Maiziere", "Thomas de Maizière"),
        ("defusedxml", "Use defused XML."),
        ("load_dotenv", "import load-dotenv"),
        ("LCD", "an L_C_D_ screen"),
        ("FHS", "the Filesystem Hierarchy Standard"),
        ("BBC", "B.B.C. news"),
    ],
)
def test_a_text_says_a_name_in_other_spellings(name: str, text: str) -> None:
    assert says_name(name, text)


def test_other_names_are_not_said() -> None:
    assert not says_name("Twitch", "We are on YouTube.")
    assert not says_name("E05", "Errors E01 and E02.")
    assert not says_name("GDPR", "General rules of data.")
