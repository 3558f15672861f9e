"""A refusal says what was searched and what is close, never that the answer does not exist."""

from app.domain.models import Candidate, Filters, Passage, SearchResult
from app.graph.refusal import refusal


def candidate(title: str, heading: str | None) -> Candidate:
    passage = Passage("p", "s", title, "document", 0, "Text.", heading=heading)
    return Candidate(passage, score=0.1, cosine=0.1, bm25=0.0, coverage=0.1)


def test_the_nearest_passages_are_offered_once_each() -> None:
    found = SearchResult(candidates=(), searched_passages=12, searched_sources=3)
    near = [
        candidate("Warfarin", "Interactions"),
        candidate("Warfarin", "Interactions"),
        candidate("Leave policy", None),
    ]
    text = refusal(found, Filters(), nearest=near)
    assert text == (
        "I searched 12 passages from 3 sources and found nothing that answers the question. "
        "The nearest passages are in “Warfarin” (Interactions); “Leave policy”."
    )
