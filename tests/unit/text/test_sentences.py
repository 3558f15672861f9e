"""Sentence boundaries, and which brackets are markers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.models import Cue, Passage
from app.text.markers import code_spans, find_markers
from app.text.passage_sentences import passage_sentences
from app.text.sentences import split_sentences
from app.text.tokens import content_terms, norm


def sentences(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Take 10 mg. Do not take 5.5 mg. a day.", ["Take 10 mg.", "Do not take 5.5 mg. a day."]),
        ("Ask Dr. Lee, e.g. Mondays. Then go.", ["Ask Dr. Lee, e.g. Mondays.", "Then go."]),
        ("The U.S. Food agency said so.", ["The U.S. Food agency said so."]),
        ("J. Smith came. He left.", ["J. Smith came.", "He left."]),
        ("Take vitamin D. Drink milk.", ["Take vitamin D.", "Drink milk."]),
        ('He said "So?" and left. "Yes." Bye.', ['He said "So?" and left.', '"Yes."', "Bye."]),
        ("It waits... and waits. Done.", ["It waits... and waits.", "Done."]),
        ("Version 2.1.3 is out. 5 fixes.", ["Version 2.1.3 is out.", "5 fixes."]),
        ("这是第一句。这是第二句！好", ["这是第一句。", "这是第二句！", "好"]),
        ("A line\nthat goes on. Next.", ["A line\nthat goes on.", "Next."]),
        ("Eat:\n\n- rice, i.e. it;\n- fish\n1. soup", ["Eat:", "rice, i.e. it;", "fish", "soup"]),
        ("# Title\nText here.\n\n## Sub\nMore.", ["Text here.", "More."]),
        ("Ann: Hello there.\nBob: Hi.", ["Ann: Hello there.", "Bob: Hi."]),
        ("Fällig am 31. März. Zahlbar bis 22. Mai 2026 ohne Abzug. Gut.",
         ["Fällig am 31. März.", "Zahlbar bis 22. Mai 2026 ohne Abzug.", "Gut."]),
        ("Im 2. Stock ist Platz 31. Dann Nr. 5.", ["Im 2. Stock ist Platz 31.", "Dann Nr. 5."]),
        ("Es kostet 15 € inkl. Tee, z. B. Assam.", ["Es kostet 15 € inkl. Tee, z. B. Assam."]),
        ("Founded by J. R. Pettigrew in No. 5 Mill Lane. Then sold.",
         ["Founded by J. R. Pettigrew in No. 5 Mill Lane.", "Then sold."]),
        ("We sold 31. Then we closed.", ["We sold 31.", "Then we closed."]),
        ("…\n\n---\n\n***", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="aB .!?\n-#1:)。“[]`", max_size=80))
def test_sentences_are_in_order_apart_and_lose_no_letter(text: str) -> None:
    position, kept = 0, ""
    for span in split_sentences(text):
        assert position <= span.start < span.end
        assert span.of(text) == span.of(text).strip()
        position = span.end
        kept += span.of(text)
    headings = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    if not headings:
        assert kept.count("a") == text.count("a")


def test_a_speakers_name_is_not_part_of_what_was_said() -> None:
    text = "Ann Lee: It works. It does.\nBob: Note: it helps."
    cues = (Cue(0, 27, 1.0, 2.0, "Ann Lee"), Cue(28, len(text), 2.0, 3.0, "Bob"))
    passage = Passage("p", "s", "Talk", "recording", 0, text, cues=cues)
    said = [one.span.of(text) for one in passage_sentences(passage)]
    assert said == ["It works.", "It does.", "Note: it helps."]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a [1] b [2, 3][4]", [(1,), (2, 3), (4,)]),
        ("`x[1]` ``y ` [2]`` [3]", [(3,)]),
        ("open ` tick [1]", [(1,)]),
        ("```py\nx[1]\n```\n[2]", [(2,)]),
        ("~~~\n[1]\n```\n[2]", []),
        ("\\[1] [2](http://x) [1234] [a] []", []),
    ],
)
def test_markers(text: str, numbers: list[tuple[int, ...]]) -> None:
    assert [marker.numbers for marker in find_markers(text)] == numbers


@given(st.text(alphabet="`~\n a", max_size=60))
def test_code_spans_are_sorted_and_apart(text: str) -> None:
    position = 0
    for start, end in code_spans(text):
        assert position <= start < end <= len(text)
        position = end


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("doses", "dose"),
        ("increased", "increasing"),
        ("6,000", "6000"),
        ("2.50", "2.5"),
        ("two", "2"),
        ("don't", "not"),
        ("cannot", "not"),
        ("cent", "percent"),
        ("bodies", "body"),
        ("Cat’s", "cat"),
    ],
)
def test_words_that_are_the_same(one: str, other: str) -> None:
    assert norm(one) == norm(other)


def test_content_terms_leave_function_words_out() -> None:
    assert content_terms("What are the risks and effects of it?") == {"risk", "effect"}
