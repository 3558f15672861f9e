"""Quality of the quoting mode's answers: citations, verbatim quotes, expected strings."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.models import Citation, Passage
from app.text.citations import cite
from app.text.markers import find_markers


@dataclass(frozen=True, slots=True)
class Judged:
    """The checks of one answer. A share is None when its denominator is 0."""

    refused: bool
    in_answer: bool  # an expected string is in the text
    in_quotes: bool  # ... and in a verified quote
    precision: float | None  # share of citations that are verified and hold an expected string
    verified: float | None  # share of citations that are verified
    verbatim: float | None  # share of verified quotes found at their offsets
    coverage: float | None  # share of the words that are followed by a marker in their paragraph


def judge(text: str, passages: Sequence[Passage], expected: Sequence[str]) -> Judged:
    """`[n]` in `text` is `passages[n - 1]`; without passages the text is a refusal."""
    if not passages:
        return Judged(True, False, False, None, None, None, None)
    citations = cite(text, passages)
    good = [one for one in citations if one.verified]
    holding = [one for one in good if _holds(one.quote or "", expected)]
    return Judged(
        refused=False,
        in_answer=_holds(text, expected),
        in_quotes=bool(holding),
        precision=_share(len(holding), len(citations)),
        verified=_share(len(good), len(citations)),
        verbatim=_share(sum(_verbatim(one, passages) for one in good), len(good)),
        coverage=_coverage(text),
    )


def _holds(text: str, expected: Sequence[str]) -> bool:
    folded = " ".join(text.casefold().split())
    return any(" ".join(one.casefold().split()) in folded for one in expected)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _verbatim(citation: Citation, passages: Sequence[Passage]) -> bool:
    passage = passages[citation.marker - 1]
    return (
        citation.passage_id == passage.passage_id
        and passage.text[citation.quote_start : citation.quote_end] == citation.quote
    )


def _coverage(text: str) -> float | None:
    cited = total = 0
    for paragraph in text.split("\n\n"):
        markers = find_markers(paragraph)
        total += len(paragraph.split()) - len(markers)
        if markers:
            cited += len(paragraph[: markers[-1].end].split()) - len(markers)
    return _share(cited, total)
