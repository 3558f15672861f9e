"""Builds extractive answers from the sentences that answer a question best.

Pure and deterministic. Every sentence is verbatim in its passage and followed by its marker.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from app.domain.models import Passage
from app.text.markers import find_markers
from app.text.passage_sentences import passage_sentences
from app.text.sentences import Span
from app.text.tokens import content_terms, words

NOTHING: Final = "Your sources do not say anything about this."
_MAX_SENTENCES: Final = 6
"""Sentences in an answer; a list counts as two."""
_MIN_SCORE_SHARE: Final = 0.6
"""Minimum score of a sentence, as a share of the best one's."""
_MAX_LIST_ITEMS: Final = 40
"""A longer list is visibly shortened."""
_SAME_SHARE: Final = 0.8
_HEADING, _TITLE, _BEFORE, _ASKED = 0.8, 0.5, 0.3, 0.6
"""Weight of a query term in the heading, the title, the preceding sentence, and in a
speaker's preceding question; in the sentence itself it is 1."""

_LIST_LINE: Final = re.compile(r"[ \t]*(?:[-*+•–]|(?P<number>\d{1,3})[.)])[ \t]+\Z")
_LISTED: Final = re.compile(r"(?:-|\d{1,3}\.) ")
_LABELLED: Final = re.compile(r"\w:[ \t]\S")
_ASKS_NUMBER: Final = re.compile(
    r"\b(?:how (?:many|much|long|old|often|far|high|big|large|soon|fast)|when"
    r"|what (?:year|time|date)|dos(?:e|es|age)|number of)\b",
    re.IGNORECASE,
)
_ASKS_PERSON: Final = re.compile(r"\b(?:who|whom|whose|which (?:person|company))\b", re.IGNORECASE)
_ASKS_DEFINITION: Final = re.compile(r"^\s*what(?:'s| is| are| was| were)\b", re.IGNORECASE)
_DEFINES: Final = re.compile(r"^(?:\w[\w’'-]*\s+){1,4}?(?:is|are|was|were|means?|refers?)\b")
_REFERS_BACK: Final = re.compile(
    r"(?:it|its|they|their|them|this|that|these|those|he|she|his|her|such|both|also|however"
    r"|therefore|instead|then|but|and|so|because|either)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, a self-contained list item, or a list with its introduction."""

    passage: int
    position: int
    lead: str  # the sentence, or the introduction of the list
    items: tuple[str, ...] = ()  # with their marks
    mark: str = ""  # `-` or `3.` for an item of a list in the source

    @property
    def text(self) -> str:
        return " ".join((self.lead, *self.items))

    @property
    def cost(self) -> int:
        return 2 if self.items else 1


def quote_answer(question: str, passages: Sequence[Passage]) -> str:
    """The answer, where `[n]` means `passages[n - 1]`; a fixed text when nothing matches."""
    units = [unit for number, p in enumerate(passages) for unit in _units(number, p)]
    if not units:
        return NOTHING
    scores = _Scorer(question, passages, units).scores()
    return _render(_choose(units, scores))


def _units(number: int, passage: Passage) -> Iterator[_Unit]:
    """The quotable units of a passage in order."""
    found = _pieces(passage)
    introduced = False
    pieces: list[tuple[Span, str]] = []
    for span, mark in found:
        text = span.of(passage.text)
        if _quotable(text, whole=bool(mark) or introduced or len(found) == 1):
            pieces.append((span, mark or ("-" if introduced else "")))
        introduced = text.endswith((":", "\uff1a")) and not mark
    position = 0
    while position < len(pieces):
        span, mark = pieces[position]
        lead, following = span.of(passage.text), position + 1
        items: list[str] = []
        introduces = lead.endswith((":", "\uff1a")) and not mark
        while introduces and following < len(pieces) and pieces[following][1]:
            item, item_mark = pieces[following]
            items.append(f"{item_mark} {_plain(item.of(passage.text))}")
            following += 1
        if items or not introduces:
            yield _Unit(number, position, lead, tuple(items), mark)
        position = following


def _pieces(passage: Passage) -> list[tuple[Span, str]]:
    """Sentences, with the sentences of one list item joined, and the marks of list items."""
    pieces: list[tuple[Span, str]] = []
    for span in passage_sentences(passage):
        line = passage.text.rfind("\n", 0, span.start) + 1
        listed = _LIST_LINE.match(passage.text[line : span.start])
        number = listed["number"] if listed else None
        mark = "" if listed is None else f"{number}." if number else "-"
        if pieces and pieces[-1][1] and "\n" not in passage.text[pieces[-1][0].end : span.start]:
            pieces[-1] = (Span(pieces[-1][0].start, span.end), pieces[-1][1])
        else:
            pieces.append((span, mark))
    return pieces


def _quotable(text: str, *, whole: bool) -> bool:
    """A sentence, a value with its label, or the `whole` of an item or passage; no broken code."""
    if text.count("`") % 2 or text.startswith("|"):
        return False
    return (
        whole
        or _LABELLED.search(text) is not None
        or text[-1] in ".!?:;…”\"')\u3002\uff01\uff1f"
        or len(text.split()) > 8
    )


class _Scorer:
    """Scores how well each unit answers the question."""

    def __init__(self, question: str, passages: Sequence[Passage], units: Sequence[_Unit]) -> None:
        self._question = question
        self._passages = passages
        self._units = units
        self._terms = [content_terms(unit.text) for unit in units]
        self._headings = [content_terms(p.heading or "") for p in passages]
        self._titles = [content_terms(p.title) for p in passages]
        self._weights = self._idf(content_terms(question))

    def scores(self) -> list[float]:
        """One score per unit; only order and ratios are meaningful."""
        return [self._score(index) for index in range(len(self._units))]

    def _idf(self, asked: frozenset[str]) -> dict[str, float]:
        """Weights of the query terms that occur in the passages; rare terms weigh more."""
        weights: dict[str, float] = {}
        for term in asked:
            found = sum(
                term in self._terms[i]
                or term in self._headings[unit.passage]
                or term in self._titles[unit.passage]
                for i, unit in enumerate(self._units)
            )
            if found:
                weights[term] = math.log(1 + (len(self._units) + 1) / found)
        return weights

    def _score(self, index: int) -> float:
        unit = self._units[index]
        before, asked = self._context(index)
        matched = sum(
            weight
            * max(
                1.0 * (term in self._terms[index]),
                _HEADING * (term in self._headings[unit.passage]),
                _TITLE * (term in self._titles[unit.passage]),
                _ASKED * (term in asked),
                _BEFORE * (term in before),
            )
            for term, weight in self._weights.items()
        )
        share = matched / (sum(self._weights.values()) or 1.0)
        return (share + self._fit(unit)) * (1 - 0.04 * min(unit.passage, 10))

    def _context(self, index: int) -> tuple[frozenset[str], frozenset[str]]:
        """Terms of the preceding sentence, and of a question up to two sentences before."""
        empty: frozenset[str] = frozenset()
        here = self._units[index].passage
        earlier = [i for i in (index - 1, index - 2) if i >= 0 and self._units[i].passage == here]
        if not earlier:
            return empty, empty
        asking = next((i for i in earlier if self._units[i].lead.endswith("?")), None)
        return self._terms[earlier[0]], empty if asking is None else self._terms[asking]

    def _fit(self, unit: _Unit) -> float:
        """Whether the unit has the form that the question type expects."""
        text, fit = unit.text, 0.0
        if unit.lead.endswith("?"):
            fit -= 0.5
        if len(text.split()) < 4 and _LABELLED.search(text) is None:
            fit -= 0.3
        found = words(text)
        if _ASKS_NUMBER.search(self._question) and any(w.is_number for w in found):
            fit += 0.15
        if _ASKS_PERSON.search(self._question) and any(w.is_capitalized for w in found[1:]):
            fit += 0.1
        if _ASKS_DEFINITION.search(self._question) and _DEFINES.match(unit.lead):
            subject = {w.norm for w in words(unit.lead)[:3]}
            fit += 0.15 * bool(subject & set(self._weights))
        return fit


def _choose(units: Sequence[_Unit], scores: Sequence[float]) -> list[_Unit]:
    """The best units without duplicates, with the sentences they depend on, in reading order."""
    best = max(scores)
    chosen: list[int] = []
    spent = 0
    for index in sorted(range(len(units)), key=lambda i: (-scores[i], i)):
        if chosen and scores[index] < _MIN_SCORE_SHARE * best:
            break
        group = [i for i in _with_context(units, index) if i not in chosen]
        cost = sum(units[i].cost for i in group)
        if chosen and spent + cost > _MAX_SENTENCES:
            continue
        if any(_same(units[index], units[i]) for i in chosen):
            continue
        chosen += group
        spent += cost
    return [units[i] for i in sorted(set(chosen))]


def _with_context(units: Sequence[_Unit], index: int) -> list[int]:
    """Adds the preceding sentence to one that begins with a pronoun such as "They"."""
    previous = index - 1
    refers_back = _REFERS_BACK.match(units[index].lead)
    if not refers_back or previous < 0 or units[previous].passage != units[index].passage:
        return [index]
    return [previous, index]


def _same(one: _Unit, other: _Unit) -> bool:
    mine, theirs = content_terms(one.text), content_terms(other.text)
    return len(mine & theirs) >= _SAME_SHARE * min(len(mine), len(theirs))


def _render(units: Sequence[_Unit]) -> str:
    """Markdown: one paragraph per passage, lists as lists."""
    paragraphs: list[str] = []
    for passage, group in groupby(units, key=lambda unit: unit.passage):
        text = ""
        for unit in group:
            text += _separator(text, listed=bool(unit.mark)) + _quoted(unit, f" [{passage + 1}]")
        paragraphs.append(text)
    return "\n\n".join(paragraphs)


def _separator(before: str, *, listed: bool) -> str:
    """The separator between the text so far and the next unit."""
    after_list = _LISTED.match(before.rpartition("\n")[2]) is not None
    if not before:
        return ""
    if after_list:
        return "\n" if listed else "\n\n"
    return "\n\n" if listed else " "


def _quoted(unit: _Unit, marker: str) -> str:
    """A unit with its marker; in a list each item has one, the introduction has none."""
    if unit.items:
        items = (f"{item}{marker}" for item in unit.items[:_MAX_LIST_ITEMS])
        hidden = len(unit.items) - _MAX_LIST_ITEMS
        more = (f"- … {hidden} more in the source{marker}",) if hidden > 0 else ()
        return "\n".join((f"{_plain(unit.lead)}\n", *items, *more))
    return f"{unit.mark} {_plain(unit.lead)}{marker}".lstrip()


def _plain(text: str) -> str:
    """Removes bracketed numbers of the source, which would be read as markers."""
    for marker in reversed(find_markers(text)):
        text = text[: marker.start].rstrip() + text[marker.end :]
    return text
