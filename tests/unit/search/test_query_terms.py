"""How the words of a query are matched in a passage."""

from hypothesis import given
from hypothesis import strategies as st

from app.search.query_terms import PROXIMITY_WINDOW, QueryTerms, without_request_words
from app.text.tokens import norm, normalized_words, word_spans

QUERY = "What are the side effects of aripiprazole?"


def terms(query: str = QUERY, **rare: float) -> QueryTerms:
    words = [query[start:end].lower() for start, end in word_spans(query)]
    return QueryTerms.from_query(query, [rare.get(word, 0.0) for word in words])


def test_what_is_said_in_one_stretch_counts_once() -> None:
    asked = terms(side=1, effects=2, aripiprazole=5)
    assert asked.proximity(normalized_words("Side effects of aripiprazole: nausea.")) == 1
    assert asked.proximity(normalized_words("Aripiprazole aripiprazole aripiprazole")) == 5 / 8
    assert asked.proximity(normalized_words("Nothing of the kind.")) == 0


def test_what_stands_far_apart_is_not_said_together() -> None:
    asked = terms(effects=2, aripiprazole=5)
    between = " and" * (PROXIMITY_WINDOW - 1)
    assert asked.proximity(normalized_words(f"effects{between} aripiprazole")) == 1
    assert asked.proximity(normalized_words(f"effects{between} and aripiprazole")) == 5 / 7


def test_pairs_and_titles() -> None:
    asked = terms(side=1, effects=2, aripiprazole=5)
    assert asked.bigram_overlap(normalized_words("the side effects")) == 2 / 6
    assert asked.title_coverage(normalized_words("The Aripiprazole")) == 1
    assert asked.title_coverage(normalized_words("Aripiprazole overdose")) == 0.5
    assert asked.title_coverage([]) == 0


def test_a_query_without_known_words_finds_nothing() -> None:
    empty = terms("?!")
    assert (
        empty.proximity(["tea"]),
        empty.bigram_overlap(["tea", "pot"]),
        empty.title_coverage(["tea"]),
    ) == (0,) * 3


def test_words_of_request_do_not_count() -> None:
    assert terms("Summarize the warranty", summarize=9, warranty=3).weights == {
        normalized_words("warranty")[0]: 3
    }
    assert (
        without_request_words("Summarize the discussion about the warranty?")
        == "the about the warranty?"
    )
    assert without_request_words("Summarize the discussion") == "Summarize the discussion"
    assert without_request_words("Explain!") == "Explain!"


def test_function_words_of_another_language_do_not_count() -> None:
    question = "Wie hoch ist die Pauschale ohne Beleg?"
    assert without_request_words(question) == "Pauschale Beleg?"
    terms = QueryTerms.from_query(question, [1.0] * 7)
    assert set(terms.weights) == {norm("Pauschale"), norm("Beleg")}
    assert without_request_words("Wie ist das?") == "Wie ist das?"
    # "die" is a word like any other in an English question.
    assert without_request_words("How many die of it?") == "How many die of it?"


def test_words_that_frame_a_question_are_not_its_topic() -> None:
    asked = terms("What did the group decide about diesel?", group=4, decide=4, diesel=6)
    assert set(asked.weights) == set(normalized_words("group decide diesel"))  # ranking counts them
    assert asked.topic.weights == {"diesel": 6}
    said = normalized_words("Diesel, then.")
    assert (asked.proximity(said), asked.topic.proximity(said)) == (6 / 14, 1)


def test_where_all_words_frame_they_are_the_topic() -> None:
    for asked in (terms("What did the group decide?", group=4, decide=4), terms("?!")):
        assert asked.topic is asked


@given(st.text(st.characters(max_codepoint=0x2FF)) | st.text(st.characters(max_codepoint=127)))
def test_words_are_those_of_the_regular_expression_in_any_script(text: str) -> None:
    assert normalized_words(text) == [norm(text[start:end]) for start, end in word_spans(text)]
