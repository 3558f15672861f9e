from app.text.cues import Cues

CUES = Cues("what about / and / and what about / qu'en est-il de")


def test_the_longest_phrase_counts_and_signs_do_not() -> None:
    assert CUES.after("And, what about Ibuprofen?") == "Ibuprofen?"
    assert CUES.after("Qu’en est-il de X") == "X"
    assert CUES.after("What about?") is None
    assert CUES.after("Whatabout this") is None
    assert CUES.after("") is None


def test_phrases_are_stripped_one_after_the_other() -> None:
    assert CUES.stripped("and and what about it") == "it"
    assert CUES.stripped("it") == "it"


def test_all_of_a_text_is_a_phrase() -> None:
    assert CUES.is_all_of(" What about?!")
    assert not CUES.is_all_of("What about it?")
    assert not CUES.is_all_of("?")
