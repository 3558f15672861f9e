"""From the markers of an answer to citations: which words of the source each one stands on.

The work grows with the length of the answer and the number of its markers, never with a product of
the two. It can be cut short between two comparisons: what is left then is quoted, not checked.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.models import Citation, Passage
from app.text.claim_verification import Claim, PassageContext, Verdict, compare
from app.text.markers import Marker, find_markers
from app.text.passage_sentences import passage_sentences
from app.text.sentences import Span, split_sentences
from app.text.tokens import Word, content_terms, words

MAX_QUOTE_LENGTH: Final = 1_200
"""Characters; supporting sentences farther apart than this are not shown as one quote."""
MAX_CLAIM_WORDS: Final = 400
"""A longer sentence is not checked: comparing it could take seconds that nothing interrupts."""
_WIDEST: Final = 3
"""Consecutive sentences that may support one claim together."""
_CANDIDATES: Final = 4
_LINE_END: Final = re.compile(r"\n")

TimeLeft = Callable[[], bool]
"""Asked before each step; once it says False, the rest is not checked."""


def cite(
    text: str, passages: Sequence[Passage], *, time_left: TimeLeft = lambda: True
) -> tuple[Citation, ...]:
    """One citation per marker number, in order of first appearance; `[n]` is `passages[n - 1]`.

    `verified` means that every sentence citing the marker is supported by its passage. The quote
    spans the sentences they stand on when those lie close together, else the best one. Where not
    all of them could be checked, `support` is None unless one of them was found unsupported.
    """
    markers = find_markers(text)
    if not markers:
        return ()
    claims = {n: _Claims() for m in markers for n in m.numbers}
    reader = _ClaimReader(text, markers)
    for index, marker in enumerate(markers):
        claim = reader.claim(index) if time_left() else None
        for number in marker.numbers:
            claims[number].add(claim)
    return tuple(_citation(n, cited, passages, time_left) for n, cited in claims.items())


class _Claims:
    """What cites one number: each claim once, however often it is made."""

    def __init__(self) -> None:
        self.distinct: dict[str, Claim] = {}
        self.complete = True

    def add(self, claim: Claim | None) -> None:
        """None: what the marker stands for was not read."""
        if claim is None:
            self.complete = False
        else:
            self.distinct.setdefault(claim.text, claim)


class _ClaimReader:
    """The part of an answer that each of its markers is the evidence for."""

    def __init__(self, text: str, markers: Sequence[Marker]) -> None:
        self._bare = _blanked(text, markers)
        self._markers = markers
        self._sentences = split_sentences(self._bare)
        self._starts = [sentence.start for sentence in self._sentences]
        self._breaks = [match.start() for match in _LINE_END.finditer(self._bare)]
        self._homes = [self._home(marker) for marker in markers]
        self._bounds = self._boundaries()
        self._read: dict[Span, Claim] = {}
        self._chosen: dict[Span, Claim] = {}

    def claim(self, index: int) -> Claim:
        """The part of the sentence since the previous marker when it says enough, else all of it.

        Adjacent markers share their part; what follows the last marker belongs to it.
        """
        home, marker = self._homes[index], self._markers[index]
        if home is None:
            return Claim("", ())
        bounds = self._bounds[home]
        after = bisect_left(bounds, marker.start + 1)
        start = bounds[max(0, after - 1)]
        end = bounds[after] if after < len(bounds) else home.end
        part = Span(start, max(start, end))
        if part not in self._chosen:
            claim = self._words(part)
            enough = sum(w.content for w in claim.words) >= 2
            self._chosen[part] = claim if enough else self._words(home)
        return self._chosen[part]

    def _words(self, part: Span) -> Claim:
        if part not in self._read:
            text = part.of(self._bare)
            self._read[part] = Claim(text, words(text))
        return self._read[part]

    def _home(self, marker: Marker) -> Span | None:
        """The sentence a marker belongs to: around it, else before, else after it on the line."""
        place = bisect_left(self._starts, marker.start)
        before = self._sentences[place - 1] if place else None
        after = self._sentences[place] if place < len(self._sentences) else None
        if before is not None and not self._broken(before.end, marker.start):
            return before
        if after is not None and not self._broken(marker.end, after.start):
            return after
        return before or after

    def _broken(self, start: int, end: int) -> bool:
        """Whether a line ends in between."""
        place = bisect_left(self._breaks, start)
        return place < len(self._breaks) and self._breaks[place] < end

    def _boundaries(self) -> dict[Span, list[int]]:
        """For each cited sentence its start, and the ends of its markers that words follow."""
        bounds: dict[Span, list[int]] = {}
        last: dict[Span, int] = {}
        for marker, home in zip(self._markers, self._homes, strict=True):
            if home is None:
                continue
            known = bounds.setdefault(home, [home.start])
            end = last.get(home)
            if end is not None and self._bare[end : marker.start].strip(" ,;."):
                known.append(end)
            last[home] = marker.end
        return {home: sorted(known) for home, known in bounds.items()}


def _blanked(text: str, markers: Sequence[Marker]) -> str:
    """The text with its markers as spaces: offsets stay, sentences end where they did."""
    pieces: list[str] = []
    position = 0
    for marker in markers:
        pieces += (text[position : marker.start], " " * (marker.end - marker.start))
        position = marker.end
    return "".join((*pieces, text[position:]))


@dataclass(frozen=True, slots=True)
class _Finding:
    """The best stretch of a passage for one claim."""

    span: Span
    verdict: Verdict


def _citation(
    number: int, cited: _Claims, passages: Sequence[Passage], time_left: TimeLeft
) -> Citation:
    if not 1 <= number <= len(passages):
        return _unknown(number)
    passage = passages[number - 1]
    evidence = _Evidence(passage, passages)
    checked = [evidence.find(claim, time_left) for claim in cited.distinct.values()]
    findings = [finding for finding in checked if finding is not None]
    complete = cited.complete and len(findings) == len(checked)
    supported = [f for f in findings if f.verdict.supported]
    failed = [f for f in findings if not f.verdict.supported]
    best = max(supported or failed, key=lambda f: f.verdict.likeness, default=None)
    quote = _joined(supported) or (best.span if best else evidence.beginning())
    reason = (failed[0] if failed else best).verdict.reason if best else None
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
        verified=complete and not failed,
        support=reason if complete or failed else None,
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
    return whole if whole.end - whole.start <= MAX_QUOTE_LENGTH else None


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
        self._around = PassageContext(about, titles - known)

    def beginning(self) -> Span:
        """Its first sentences: what is quoted when nothing was checked."""
        start = self._spans[0].start
        ends = [span.end for span in self._spans if span.end - start <= MAX_QUOTE_LENGTH]
        return Span(start, max(ends, default=min(self._spans[0].end, start + MAX_QUOTE_LENGTH)))

    def find(self, claim: Claim, time_left: TimeLeft) -> _Finding | None:
        """The stretch that supports the claim, else the one most like it; None: not checked."""
        if len(claim.words) > MAX_CLAIM_WORDS:
            return None
        singles: list[_Finding] = []
        for index in range(len(self._spans)):
            if not time_left():
                return None
            singles.append(self._judge(claim, index, index + 1))
        ranked = sorted(range(len(singles)), key=lambda i: -singles[i].verdict.likeness)
        best = singles[ranked[0]]
        if best.verdict.standing != "missing":
            return best
        for start, end in self._wider(ranked[:_CANDIDATES]):
            if not time_left():
                return None
            wider = self._judge(claim, start, end)
            if wider.verdict.supported:
                return wider
        return best

    def _wider(self, centres: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Stretches around these sentences, the short ones first."""
        for width in range(1, _WIDEST + 1):
            for centre in centres:
                for start in range(max(0, centre - width + 1), centre + 1):
                    if start + width <= len(self._spans):
                        yield start, start + width

    def _judge(self, claim: Claim, start: int, end: int) -> _Finding:
        stretch: list[Word] = [word for sentence in self._words[start:end] for word in sentence]
        span = Span(self._spans[start].start, self._spans[end - 1].end)
        return _Finding(span, compare(claim, stretch, self._around))
