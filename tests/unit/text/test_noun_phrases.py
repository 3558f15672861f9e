import pytest

from app.text.noun_phrases import has_clause, is_telegraphic, noun_phrases


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What are the side effects of warfarin?", "the side effects | of warfarin"),
        ("How much fresh water did the dye houses use?", "fresh water | the dye houses"),
        ("When is the heat pump commissioned?", "the heat pump"),
        ("How do I restart the pump?", "the pump"),
        ("Can children take ibuprofen?", "children | ibuprofen"),
        ("Which suppliers failed the audit and why?", "suppliers | the audit"),
        ("How much may a hotel night on the mainland cost?", "a hotel night | on the mainland"),
        ("Does Harbour Textile have a works council?", "Harbour Textile | a works council"),
        ("Can warfarin and ibuprofen be taken together?", "warfarin and ibuprofen"),
        ("What is warfarin's maximum dose for adults?", "warfarin | maximum dose | for adults"),
        ("If the pump fails, who is called?", "the pump"),
        ("Where are the logs of nginx stored?", "the logs | of nginx"),
        ("What were the emissions of Kolding?", "the emissions | of Kolding"),
        ("How is it taken?", ""),
        ("", ""),
        ("?!", ""),
    ],
)
def test_noun_phrases_are_found_without_verbs(question: str, expected: str) -> None:
    found = [phrase.text[phrase.prefix : phrase.end] for phrase in noun_phrases(question)]
    assert " | ".join(found) == expected


def test_what_a_phrase_says_of_itself() -> None:
    [limit, valve] = noun_phrases("What is the alarm limit of valve V2?")
    assert (limit.determiner, limit.head, limit.codes, limit.is_plural) == (
        "the",
        "limit",
        (),
        False,
    )
    assert (valve.preposition, valve.head, valve.codes) == ("of", "valv", ("V0",))
    [both] = noun_phrases("compare Kolding, Esbjerg and Ribe")
    assert [one.words for one in both.joined] == [("Kolding",), ("Esbjerg",), ("Ribe",)]
    assert both.is_plural
    assert both.is_name


def test_a_long_text_is_read_in_part() -> None:
    assert len(noun_phrases("the pump of " * 100_000)) <= 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("of ibuprofen", False),
        ("the dose in children", False),
        ("how is it dosed", True),
        ("the patient that forgets a dose", True),
        ("compare them", True),
        ("list the drugs", True),
    ],
)
def test_clauses_are_told_from_fragments(text: str, expected: bool) -> None:
    assert has_clause(text) is expected


def test_keywords_alone_are_recognised() -> None:
    assert is_telegraphic("side effects warfarin")
    assert not is_telegraphic("the side effects of warfarin")
