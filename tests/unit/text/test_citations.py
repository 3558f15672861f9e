"""Citations: quotes verbatim, markers resolved, altered claims not verified (promise T2)."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.models import Citation, Cue, Passage
from app.text.citations import MAX_QUOTE_LENGTH, cite
from app.text.sentences import split_sentences

DOCUMENTS = Path("app/ingest/samples/documents")


def passage(text: str, title: str = "Herons", heading: str | None = None) -> Passage:
    return Passage("p1", "s1", title, "document", 0, text, heading=heading, page=3)


HERON = passage(
    "The grey heron is a tall bird. It weighs up to 2 kg, eats fish and is not afraid of water. "
    "Herons nest in trees from March.\n\n- They winter in Spain.\n- Young herons fly after 50 days."
)
GULL = passage("Gulls weigh 1 kg and nest on cliffs.", title="Gulls")


def one(answer: str, *passages: Passage) -> Citation:
    [citation] = cite(answer, passages or (HERON, GULL))
    return citation


def test_a_supported_claim_is_quoted_verbatim() -> None:
    citation = one("Herons nest in trees from March. [1]")
    assert citation.quote == "Herons nest in trees from March."
    assert citation.quote_start is not None
    assert HERON.text[citation.quote_start : citation.quote_end] == citation.quote
    assert (citation.verified, citation.title, citation.page) == (True, "Herons", 3)
    assert citation.support == "the passage says the same"


@pytest.mark.parametrize(
    "answer",
    [
        "Herons nest in trees from March [1].",
        "Young herons fly after fifty days. [1]",
        "Herons winter in Spain [1].",
        "- Young herons fly after 50 days. [1]",
        "[1] Herons nest in trees from March.",
        "The heron, a tall bird, weighs up to 2 kg [1].",
        "A tall bird, the grey heron weighs up to 2 kg and eats fish [1].",
    ],
)
def test_supported(answer: str) -> None:
    assert one(answer).verified


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Young herons fly after 30 days. [1]", "30"),
        ("Herons do not nest in trees from March. [1]", "denies"),
        ("It weighs up to 2 kg, eats fish and is afraid of water. [1]", "denies"),
        ("Gulls nest in trees from March. [1]", "Gulls"),
        ("Nobody has seen herons nest in Iceland. [1]", "Iceland"),
        ("Herons are worth 2 kg of gold in the trade with distant empires. [1]", "most of it"),
        ("Yes. [1]", "nothing"),
        ("[1]", "nothing"),
    ],
)
def test_not_supported(answer: str, why: str) -> None:
    citation = one(answer)
    assert not citation.verified
    assert why in (citation.support or "")
    assert citation.quote


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        (
            "It weighs up to 2 kg, eats fish and is not afraid of water. Herons nest in trees from "
            "March. [1]",
            "It weighs up to 2 kg, eats fish and is not afraid of water. Herons nest in trees from "
            "March.",
        ),
        ("- The grey heron is a tall bird. It weighs up to 2 kg [1]", None),
        (
            "Gulls are white. Herons nest in trees from March. [1]",
            "Herons nest in trees from March.",
        ),
        (
            "**Ann:** It weighs up to 2 kg, eats fish and is not afraid of water. Herons nest in "
            "trees from March. [1]",
            "It weighs up to 2 kg, eats fish and is not afraid of water. Herons nest in trees from "
            "March.",
        ),
    ],
)
def test_sentences_quoted_before_one_marker_are_cited_together(
    answer: str, quote: str | None
) -> None:
    quoted = one(answer).quote
    assert quoted == quote if quote else (quoted or "").startswith("The grey heron")


def test_the_place_of_a_turn_is_where_it_begins() -> None:
    text = "Ann: Maple is hard. Boxwood is kinder."
    cues = (Cue(0, 19, 19.5, 28.0, "Ann"), Cue(20, 38, 28.5, 31.0, "Ann"))
    talk = replace(passage(text), kind="recording", cues=cues)
    citation = one("Ann: Maple is hard. Boxwood is kinder. [1]", talk)
    assert (citation.quote, citation.start_s) == (text, 19.5)


def test_a_marker_without_a_passage_is_listed_and_not_verified() -> None:
    [citation] = cite("Herons nest in trees [7].", [HERON])
    assert (citation.marker, citation.passage_id, citation.verified) == (7, None, False)
    assert citation.quote is None
    assert cite("Herons nest. [0]", [HERON])[0].passage_id is None


def test_one_citation_per_marker_in_order_of_appearance() -> None:
    answer = (
        "Gulls nest on cliffs [2]. The grey heron is a tall bird [1][2]. "
        "Herons nest in trees from March [1, 3]. `x[4]`"
    )
    citations = cite(answer, [HERON, GULL])
    assert [c.marker for c in citations] == [2, 1, 3]
    assert [c.verified for c in citations] == [False, True, False]


def test_each_marker_of_a_sentence_answers_for_its_part() -> None:
    citations = cite(
        "Herons nest in trees from March [1], and gulls nest on cliffs [2].", [HERON, GULL]
    )
    assert [c.verified for c in citations] == [True, True]


def test_one_unsupported_sentence_spoils_the_marker() -> None:
    citation = one("Herons nest in trees from March. [1] Young herons fly after 9 days. [1]")
    assert not citation.verified
    assert "9" in (citation.support or "")


def test_the_quote_spans_all_that_is_cited_when_close_together() -> None:
    answer = "The grey heron is a tall bird. [1] Herons nest in trees from March. [1]"
    assert one(answer).quote == HERON.text[: HERON.text.index("\n")]
    far = passage(HERON.text + " It sleeps." * MAX_QUOTE_LENGTH + " Storks bring children.")
    spread = one("The grey heron is a tall bird. [1] Storks bring children. [1]", far)
    assert spread.verified
    assert len(spread.quote or "") < 50


def test_two_sentences_may_support_a_claim_together() -> None:
    citation = one("Herons are tall birds that weigh up to 2 kg and eat fish [1].")
    assert citation.verified


def test_the_heading_counts_for_what_the_sentence_leaves_out() -> None:
    text = "They include:\n- seizures, falls and fainting."
    listed = passage(text, title="Aripiprazole", heading="Serious side effects")
    answer = "Serious side effects of aripiprazole include seizures and fainting. [1]"
    assert one(answer, listed).verified


def test_a_recording_is_cited_to_the_second_and_speaker() -> None:
    lines = ["Dana: What about sleep?", "Priya: Take it in the morning.", "Dana: Thank you."]
    text = "\n".join(lines)
    starts = [0, len(lines[0]) + 1, len(lines[0]) + len(lines[1]) + 2]
    cues = tuple(
        Cue(start, start + len(line), 10.0 * i, 10.0 * i + 9, line.split(":")[0])
        for i, (start, line) in enumerate(zip(starts, lines, strict=True))
    )
    talk = replace(HERON, kind="recording", text=text, cues=cues, start_s=0.0, end_s=29.0)
    citation = one("Take it in the morning. [1]", talk)
    assert (citation.quote, citation.speaker) == ("Take it in the morning.", "Priya")
    assert (citation.start_s, citation.end_s) == (10.0, 19.0)
    without = one("Take it in the morning. [1]", replace(talk, cues=(), speaker="Priya"))
    assert (without.start_s, without.end_s, without.speaker) == (0.0, 29.0, "Priya")


@given(
    st.text(alphabet="ab []123,.`\n-:", max_size=60), st.text(alphabet="ab 1.\n-:#", max_size=60)
)
def test_every_quote_is_verbatim_at_its_offsets(answer: str, text: str) -> None:
    source = passage(text)
    markers = []
    for citation in cite(answer, [source]):
        markers.append(citation.marker)
        if citation.passage_id is not None:
            assert citation.quote is not None
            assert citation.quote_start is not None
            assert citation.quote == text[citation.quote_start : citation.quote_end]
    assert len(markers) == len(set(markers))


# --- T2: altered sentences of the sample library ---

Alter = Callable[[str, random.Random], str | None]
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)?")


def sections() -> Iterator[Passage]:
    for file in sorted(DOCUMENTS.iterdir()):
        text = file.read_text(encoding="utf-8")
        title = text.splitlines()[0].lstrip("# ")
        for position, section in enumerate(re.split(r"\n(?=## )", text)):
            yield Passage(
                f"{file.name}-{position}", file.name, title, "document", position, section
            )


SECTIONS = list(sections())
NAMES = sorted({name for section in SECTIONS for name in NAME.findall(section.text)})
SUBJECTS = sorted({s.title.lower() for s in SECTIONS if s.title.isalpha()})


def change_number(sentence: str, rng: random.Random) -> str | None:
    figures = list(re.finditer(r"\d+(?:[.,]\d+)*", sentence))
    if not figures:
        return None
    figure = rng.choice(figures)
    others = [n for n in ("2", "3", "7", "10", "15", "25", "30", "100") if n != figure.group()]
    return sentence[: figure.start()] + rng.choice(others) + sentence[figure.end() :]


def change_negation(sentence: str, rng: random.Random) -> str | None:
    is_negator = re.search(r"\b(?:not|never|no) ", sentence)
    if is_negator:
        return sentence[: is_negator.start()] + sentence[is_negator.end() :]
    verb = re.search(r"\b(?:is|are|may|can|should|must|will|was|were)\b", sentence)
    return f"{sentence[: verb.end()]} not{sentence[verb.end() :]}" if verb else None


def change_entity(sentence: str, rng: random.Random) -> str | None:
    for subject in SUBJECTS:
        found = re.search(subject, sentence, re.IGNORECASE)
        if found:
            other = rng.choice([s for s in SUBJECTS if s != subject])
            other = other.capitalize() if found.group()[0].isupper() else other
            return f"{sentence[: found.start()]}{other}{sentence[found.end() :]}"
    name = NAME.search(sentence)
    if name is None:
        return None
    other = rng.choice([n for n in NAMES if not set(n.split()) & set(name.group().split())])
    return f"{sentence[: name.start()]}{other}{sentence[name.end() :]}"


def keep(sentence: str, rng: random.Random) -> str | None:
    return sentence


def verified(alter: Alter) -> list[bool]:
    """Every sentence of the library, altered, cited to its own section among four others."""
    rng = random.Random(7)
    results = []
    for section in SECTIONS:
        passages = [section, *rng.sample([s for s in SECTIONS if s is not section], 4)]
        for span in split_sentences(section.text):
            sentence = alter(span.of(section.text), rng)
            if sentence is None or len(sentence.split()) < 4:
                continue
            end = rng.choice((sentence + " [1]", sentence.rstrip(".") + " [1]."))
            [citation] = cite(f"As you asked:\n\n{end} And more.", passages)
            results.append(citation.verified)
    return results


@pytest.mark.parametrize("alter", [change_number, change_negation, change_entity])
def test_altered_sentences_are_not_verified(alter: Alter) -> None:
    results = verified(alter)
    assert len(results) >= 200
    assert results.count(False) / len(results) >= 0.95


def test_unaltered_sentences_are_verified() -> None:
    results = verified(keep)
    assert len(results) >= 200
    assert results.count(True) / len(results) >= 0.9
