"""Which questions the English token model can judge."""

import pytest

from app.text.stop_words import seems_english


@pytest.mark.parametrize(
    ("question", "english"),
    [
        ("what is the capital of la paz", True),
        ("side effects of atorvastatin", True),
        ("warfarin", True),
        ("wie hoch ist der jahresbeitrag", False),
        ("was kostet das eichenparkett", False),
        ("wo arbeitet änne größer", False),
        ("combien coûte la fromagerie crémieux", False),
        ("cuánto cuesta la entrada", False),
        ("quanto costa il biglietto", False),
        ("hoeveel kost het kaartje", False),
    ],
)
def test_questions_of_other_languages_are_told_by_their_function_words(
    question: str, english: bool
) -> None:
    assert seems_english(question.split()) is english
