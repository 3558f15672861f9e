"""Turns the markers of an answer into citations with the quotes that support them.

The work is linear in the length of the answer and in the number of markers. It can be stopped
between two comparisons; the remaining citations are then quoted but not verified.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.models import Citation, Passage
from app.text.claim_verification import Claim, PassageContext, Verdict, compare
from app.text.markers import Marker, find_markers
from app.text.passage_sentences import PassageSentence, passage_sentences
from app.text.sentences import Span, split_sentences
from app.text.tokens import Word, content_terms, words

MAX_QUOTE_LENGTH: Final = 1_200
"""Characters. Supporting sentences farther apart are not combined into one quote."""
MAX_CLAIM_WORDS: Final = 400
"""A longer sentence is not verified: one comparison could take seconds without interruption."""
_MAX_SENTENCES: Final = 3
"""Maximum number of consecutive sentences that together support one claim."""
_MAX_CENTRES: Final = 4
_LINE_END: Final = re.compile(r"\n")

TimeLeft = Callable[[], bool]
"""Called before each step; once it returns False, the rest is not verified."""


def cite(
    text: str, passages: Sequence[Passage], *, time_left: TimeLeft = lambda: True
) -> tuple[Citation, ...]:
    """One citation per marker number, in order of first appearance; `[n]` is `passages[n - 1]`.

    A marker that names no passage is listed with null passage; it is no source.

    `verified`: every sentence that cites the marker is supported by its passage. The quote spans
    the supporting sentences if they are close together, else the best one. When not all of them
    could be checked, `support` is None unless one of them was found unsupported.
    """
    markers = find_markers(text)
    if not markers:
        return ()
    claims = {n: _Claims() for m in markers for n in m.numbers}
    reader = _ClaimReader(text, markers)
    for index, marker in enumerate(markers):
        claim = reader.claim(index) if time_left() else None
        for number in marker.numbers:
            claims[number].add(claim, reader.lead(index))
    return tuple(_citation(n, cited, passages, time_left) for n, cited in claims.items())


class _Claims:
    """The distinct claims that cite one number, with the text before each on its line."""

    def __init__(self) -> None:
        self.distinct: dict[str, tuple[Claim, str]] = {}
        self.complete = True

    def add(self, claim: Claim | None, lead: str) -> None:
        """None: there was no time to read the claim."""
        if claim is None:
            self.complete = False
        else:
            self.distinct.setdefault(claim.text, (claim, lead))


class _ClaimReader:
    """Finds the part of an answer that each marker supports."""

    def __init__(self, text: str, markers: Sequence[Marker]) -> None:
        self._unmarked = _blank_markers(text, markers)
        self._markers = markers
        self._sentences = split_sentences(self._unmarked)
        self._starts = [sentence.start for sentence in self._sentences]
        self._breaks = [match.start() for match in _LINE_END.finditer(self._unmarked)]
        self._cited_sentences = [self._cited_sentence(marker) for marker in markers]
        self._bounds = self._boundaries()
        self._by_span: dict[Span, Claim] = {}
        self._by_part: dict[Span, Claim] = {}

    def claim(self, index: int) -> Claim:
        """The part of the sentence since the previous marker; if too short, the whole sentence.

        Adjacent markers share a part; text after the last marker belongs to it.
        """
        sentence, marker = self._cited_sentences[index], self._markers[index]
        if sentence is None:
            return Claim("", ())
        bounds = self._bounds[sentence]
        after = bisect_left(bounds, marker.start + 1)
        start = bounds[max(0, after - 1)]
        end = bounds[after] if after < len(bounds) else sentence.end
        part = Span(start, max(start, end))
        if part not in self._by_part:
            claim = self._claim(part)
            has_content = sum(w.is_content for w in claim.words) >= 2
            self._by_part[part] = claim if has_content else self._claim(sentence)
        return self._by_part[part]

    def lead(self, index: int) -> str:
        """The text before the cited sentence: since the previous marker, on the same line."""
        sentence, marker = self._cited_sentences[index], self._markers[index]
        if sentence is None or sentence.start >= marker.start:
            return ""
        place = bisect_left(self._breaks, sentence.start)
        start = self._breaks[place - 1] + 1 if place else 0
        if index:
            start = max(start, self._markers[index - 1].end)
        return self._unmarked[start : sentence.start]

    def _claim(self, part: Span) -> Claim:
        if part not in self._by_span:
            text = part.of(self._unmarked)
            self._by_span[part] = Claim(text, words(text))
        return self._by_span[part]

    def _cited_sentence(self, marker: Marker) -> Span | None:
        """The sentence around a marker, else the one before, else the one after on the line."""
        place = bisect_left(self._starts, marker.start)
        before = self._sentences[place - 1] if place else None
        after = self._sentences[place] if place < len(self._sentences) else None
        if before is not None and not self._has_line_break(before.end, marker.start):
            return before
        if after is not None and not self._has_line_break(marker.end, after.start):
            return after
        return before or after

    def _has_line_break(self, start: int, end: int) -> bool:
        """Whether there is a line break between `start` and `end`."""
        place = bisect_left(self._breaks, start)
        return place < len(self._breaks) and self._breaks[place] < end

    def _boundaries(self) -> dict[Span, list[int]]:
        """For each cited sentence: its start, and the ends of markers followed by words."""
        bounds: dict[Span, list[int]] = {}
        last: dict[Span, int] = {}
        for marker, sentence in zip(self._markers, self._cited_sentences, strict=True):
            if sentence is None:
                continue
            passage_terms = bounds.setdefault(sentence, [sentence.start])
            end = last.get(sentence)
            if end is not None and self._unmarked[end : marker.start].strip(" ,;."):
                passage_terms.append(end)
            last[sentence] = marker.end
        return {sentence: sorted(passage_terms) for sentence, passage_terms in bounds.items()}


def _blank_markers(text: str, markers: Sequence[Marker]) -> str:
    """The text with its markers replaced by spaces, so that offsets stay valid."""
    pieces: list[str] = []
    position = 0
    for marker in markers:
        pieces += (text[position : marker.start], " " * (marker.end - marker.start))
        position = marker.end
    return "".join((*pieces, text[position:]))


@dataclass(frozen=True, slots=True)
class _Finding:
    """The best span of a passage for one claim."""

    span: Span
    verdict: Verdict


def _citation(
    number: int, cited: _Claims, passages: Sequence[Passage], time_left: TimeLeft
) -> Citation:
    if not 1 <= number <= len(passages):
        return _unknown(number)
    passage = passages[number - 1]
    evidence = _Evidence(passage, passages)
    checked = [(evidence.find(claim, time_left), lead) for claim, lead in cited.distinct.values()]
    findings = [
        _Finding(_with_lead(passage.text, finding.span, lead), finding.verdict)
        for finding, lead in checked
        if finding is not None
    ]
    complete = cited.complete and len(findings) == len(checked)
    supported = [f for f in findings if f.verdict.supported]
    failed = [f for f in findings if not f.verdict.supported]
    best = max(supported or failed, key=lambda f: f.verdict.similarity, default=None)
    quote = _covering_span(supported) or (best.span if best else evidence.opening())
    reason = (failed[0] if failed else best).verdict.reason if best else None
    start_s, end_s, speaker = _spoken_at(passage, quote)
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


def _with_lead(text: str, span: Span, lead: str) -> Span:
    """The span, extended by the sentences before it that the answer repeats word for word.

    One marker after several quoted sentences cites all of them.
    """
    start = span.start
    for sentence in reversed(split_sentences(lead)):
        before, said = text[:start].rstrip(), sentence.of(lead).replace("**", "").strip()
        # The answer may name a speaker where the passage does not.
        _, _, unlabelled = said.partition(": ")
        repeated = next((one for one in (said, unlabelled) if one and before.endswith(one)), None)
        if repeated is None or span.end - len(before) + len(repeated) > MAX_QUOTE_LENGTH:
            break
        start = len(before) - len(repeated)
    return Span(start, span.end)


def _covering_span(findings: Sequence[_Finding]) -> Span | None:
    """One span that covers all findings; None without findings or when it is too long."""
    if not findings:
        return None
    whole = Span(min(f.span.start for f in findings), max(f.span.end for f in findings))
    return whole if whole.end - whole.start <= MAX_QUOTE_LENGTH else None


def _spoken_at(passage: Passage, quote: Span) -> tuple[float | None, float | None, str | None]:
    """Start, end and speaker of the quote: from the cues it overlaps, else from the passage."""
    cues = [c for c in passage.cues if c.start < quote.end and c.end > quote.start]
    if not cues:
        return passage.start_s, passage.end_s, passage.speaker
    return cues[0].start_s, cues[-1].end_s, cues[0].speaker


class _Evidence:
    """A passage prepared for comparison with claims."""

    def __init__(self, passage: Passage, passages: Sequence[Passage]) -> None:
        sentences = passage_sentences(passage) or (PassageSentence(Span(0, len(passage.text))),)
        self._spans = [sentence.span for sentence in sentences]
        self._claim = [
            words(f"{one.context} {one.span.of(passage.text)}".lstrip()) for one in sentences
        ]
        context_terms = content_terms(
            " ".join(filter(None, (passage.title, passage.heading, passage.speaker)))
        )
        passage_terms = context_terms.union(
            *({w.norm for w in sentence} for sentence in self._claim)
        )
        titles = frozenset[str]().union(*(content_terms(p.title) for p in passages))
        self._context = PassageContext(context_terms, titles - passage_terms)

    def opening(self) -> Span:
        """The first sentences, quoted when nothing was verified."""
        start = self._spans[0].start
        ends = [span.end for span in self._spans if span.end - start <= MAX_QUOTE_LENGTH]
        return Span(start, max(ends, default=min(self._spans[0].end, start + MAX_QUOTE_LENGTH)))

    def find(self, claim: Claim, time_left: TimeLeft) -> _Finding | None:
        """The span that supports the claim, else the most similar one; None: not checked."""
        if len(claim.words) > MAX_CLAIM_WORDS:
            return None
        singles: list[_Finding] = []
        for index in range(len(self._spans)):
            if not time_left():
                return None
            singles.append(self._compare(claim, index, index + 1))
        ranked = sorted(range(len(singles)), key=lambda i: -singles[i].verdict.similarity)
        best = singles[ranked[0]]
        if best.verdict.status != "missing":
            return best
        for start, end in self._wider_spans(ranked[:_MAX_CENTRES]):
            if not time_left():
                return None
            wider = self._compare(claim, start, end)
            if wider.verdict.supported:
                return wider
        return best

    def _wider_spans(self, centres: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Spans around these sentences, shortest first."""
        for width in range(1, _MAX_SENTENCES + 1):
            for centre in centres:
                for start in range(max(0, centre - width + 1), centre + 1):
                    if start + width <= len(self._spans):
                        yield start, start + width

    def _compare(self, claim: Claim, start: int, end: int) -> _Finding:
        evidence_words: list[Word] = [
            word for sentence in self._claim[start:end] for word in sentence
        ]
        span = Span(self._spans[start].start, self._spans[end - 1].end)
        return _Finding(span, compare(claim, evidence_words, self._context))
