"""Copies are listed once; passages that only look like copies are not lost."""

from app.domain.models import Candidate, Passage, SourceKind
from app.search.dedup import MIN_STANDALONE_WORDS, deduplicate

LONG = " ".join(f"word{n}" for n in range(MIN_STANDALONE_WORDS))


def candidate(
    name: str,
    text: str,
    *,
    title: str = "Handbook",
    heading: str | None = None,
    start_s: float | None = None,
) -> Candidate:
    kind: SourceKind = "document" if start_s is None else "recording"
    passage = Passage(name, name, title, kind, 0, text, heading=heading, start_s=start_s)
    return Candidate(passage, score=1.0, cosine=1.0, bm25=1.0, coverage=1.0)


def listed(query: str, *candidates: Candidate) -> list[str]:
    return [one.passage.passage_id for one in deduplicate(query, candidates)]


def test_the_same_text_under_the_same_title_is_listed_once() -> None:
    found = (
        candidate("a", "Once a  day."),
        candidate("x", "Twice."),
        candidate("b", "Once a day."),
    )
    assert listed("how often", *found) == ["a", "x"]


def test_a_short_text_needs_its_title_to_be_understood() -> None:
    found = (
        candidate("a", "Once a day.", title="Metformin"),
        candidate("b", "Once a day.", title="Aripiprazole"),
        candidate("c", "Once a day.", title="Metformin", heading="In children"),
    )
    assert listed("what is taken once a day", *found) == ["a", "b", "c"]


def test_a_long_text_is_listed_again_only_for_what_the_query_names() -> None:
    found = (candidate("a", LONG, title="Report 2024"), candidate("b", LONG, title="Report 2025"))
    assert listed("what does the report say", *found) == ["a"]
    assert listed("report 2024", *found) == ["a"]
    assert listed("compare the reports of 2024 and 2025", *found) == ["a", "b"]


def test_what_was_said_twice_is_not_a_copy() -> None:
    found = (
        candidate("a", LONG, title="Talk", start_s=1.0),
        candidate("b", LONG, title="Talk", start_s=90.0),
        candidate("c", LONG, title="Talk", start_s=1.0),
    )
    assert listed("what was said", *found) == ["a", "b"]
