"""From the markers of an answer to citations: which words of the source each one stands on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.domain.markers import Marker, find_markers
from app.domain.models import Citation, Passage
from app.domain.passages import passage_sentences
from app.domain.sentences import Span, split_sentences
from app.domain.support import Around, Claim, Verdict, compare
from app.domain.terms import Word, content_terms, words

LONGEST_QUOTE: Final = 1_200
"""Characters; supporting sentences farther apart than this are not shown as one quote."""
_WIDEST: Final = 3
"""Consecutive sentences that may support one claim together."""
_CANDIDATES: Final = 4


def cite(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """One citation per marker number, in order of first appearance; `[n]` is `passages[n - 1]`.

    `verified` means that every sentence citing the marker is supported by its passage. The quote
    spans the sentences they stand on when those lie close together, else the best one.
    """
    claims: dict[int, list[Claim]] = {}
    for marker, claim in _claims(text):
        for number in marker.numbers:
            claims.setdefault(number, []).append(claim)
    return tuple(_citation(number, cited, passages) for number, cited in claims.items())


def _claims(text: str) -> Iterator[tuple[Marker, Claim]]:
    """Each marker with the words it is the evidence for."""
    markers = find_markers(text)
    bare = _blanked(text, markers)
    sentences = split_sentences(bare)
    homes = [_home(bare, sentences, marker) for marker in markers]
    for index, marker in enumerate(markers):
        home = homes[index]
        if home is None:
            yield marker, Claim("", ())
            continue
        siblings = [m for m, other in zip(markers, homes, strict=True) if other == home]
        yield marker, _claim(bare, home, siblings, marker)


def _blanked(text: str, markers: Sequence[Marker]) -> str:
    """The text with its markers as spaces: offsets stay, sentences end where they did."""
    pieces: list[str] = []
    position = 0
    for marker in markers:
        pieces += (text[position : marker.start], " " * (marker.end - marker.start))
        position = marker.end
    return "".join((*pieces, text[position:]))


def _home(bare: str, sentences: Sequence[Span], marker: Marker) -> Span | None:
    """The sentence a marker belongs to: around it, else before it, else after it on the line."""
    before = [s for s in sentences if s.start < marker.start]
    after = next((s for s in sentences if s.start >= marker.start), None)
    if before and "\n" not in bare[before[-1].end : marker.start].strip(" \t"):
        return before[-1]
    if after is not None and "\n" not in bare[marker.end : after.start]:
        return after
    return before[-1] if before else after


def _claim(bare: str, home: Span, siblings: Sequence[Marker], marker: Marker) -> Claim:
    """The part of the sentence since the previous marker when it says enough, else all of it.

    Adjacent markers share their part; what follows the last marker belongs to it.
    """
    bounds = [home.start]
    bounds += [
        m.end for m, following in pairwise(siblings) if bare[m.end : following.start].strip(" ,;.")
    ]
    start = max(b for b in bounds if b <= marker.start or b == home.start)
    end = min((b for b in bounds if b > marker.start), default=home.end)
    part = _read(bare[start : max(start, end)])
    if sum(w.content for w in part.words) >= 2:
        return part
    return _read(home.of(bare))


def _read(text: str) -> Claim:
    return Claim(text, words(text))


@dataclass(frozen=True, slots=True)
class _Finding:
    """The best stretch of a passage for one claim."""

    span: Span
    verdict: Verdict


def _citation(number: int, claims: Sequence[Claim], passages: Sequence[Passage]) -> Citation:
    if not 1 <= number <= len(passages):
        return _unknown(number)
    passage = passages[number - 1]
    evidence = _Evidence(passage, passages)
    findings = [evidence.find(claim) for claim in claims]
    supported = [f for f in findings if f.verdict.supported]
    failed = [f for f in findings if not f.verdict.supported]
    best = max(supported or failed, key=lambda f: f.verdict.likeness)
    quote = _joined(supported) or best.span
    start_s, end_s, speaker = _heard(passage, quote)
    return Citation(
        marker=number,
        passage_id=passage.passage_id,
        source_id=passage.source_id,
        title=passage.title,
        kind=passage.kind,
        quote=quote.of(passage.text),
        quote_start=quote.start,
        quote_end=quote.end,
        page=passage.page,
        start_s=start_s,
        end_s=end_s,
        speaker=speaker,
        url=passage.url,
        verified=not failed,
        support=(failed[0] if failed else best).verdict.reason,
    )


def _unknown(number: int) -> Citation:
    return Citation(
        marker=number, passage_id=None, source_id=None, title=None, kind=None, quote=None,
        quote_start=None, quote_end=None, page=None, start_s=None, end_s=None, speaker=None,
        url=None, verified=False, support="no passage has this number",
    )  # fmt: skip


def _joined(findings: Sequence[_Finding]) -> Span | None:
    """One stretch over all of them, None when there is none or it would be too long."""
    if not findings:
        return None
    whole = Span(min(f.span.start for f in findings), max(f.span.end for f in findings))
    return whole if whole.end - whole.start <= LONGEST_QUOTE else None


def _heard(passage: Passage, quote: Span) -> tuple[float | None, float | None, str | None]:
    """When the quote was said, and by whom: from the cues it overlaps, else the passage's own."""
    cues = [c for c in passage.cues if c.start < quote.end and c.end > quote.start]
    if not cues:
        return passage.start_s, passage.end_s, passage.speaker
    return cues[0].start_s, cues[-1].end_s, cues[0].speaker


class _Evidence:
    """A passage prepared for comparison with claims."""

    def __init__(self, passage: Passage, passages: Sequence[Passage]) -> None:
        self._spans = passage_sentences(passage) or (Span(0, len(passage.text)),)
        self._words = [words(span.of(passage.text)) for span in self._spans]
        about = content_terms(
            " ".join(filter(None, (passage.title, passage.heading, passage.speaker)))
        )
        known = about.union(*({w.norm for w in sentence} for sentence in self._words))
        titles = frozenset[str]().union(*(content_terms(p.title) for p in passages))
        self._around = Around(about, titles - known)

    def find(self, claim: Claim) -> _Finding:
        """The stretch that supports the claim, else the one most like it."""
        singles = [self._judge(claim, i, i + 1) for i in range(len(self._spans))]
        ranked = sorted(range(len(singles)), key=lambda i: -singles[i].verdict.likeness)
        best = singles[ranked[0]]
        if best.verdict.standing != "missing":
            return best
        for width in range(1, _WIDEST + 1):
            for centre in ranked[:_CANDIDATES]:
                for start in range(max(0, centre - width + 1), centre + 1):
                    if start + width <= len(self._spans):
                        wider = self._judge(claim, start, start + width)
                        if wider.verdict.supported:
                            return wider
        return best

    def _judge(self, claim: Claim, start: int, end: int) -> _Finding:
        stretch: list[Word] = [word for sentence in self._words[start:end] for word in sentence]
        span = Span(self._spans[start].start, self._spans[end - 1].end)
        return _Finding(span, compare(claim, stretch, self._around))
