"""Cuts passages into what can be quoted: sentences, lists, tables, code and turns of speakers.

Passages of one section that follow each other are read as one text, so that a list that goes on in
the next passage is one list.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

from app.domain.models import Passage
from app.text.passage_blocks import Block, passage_blocks
from app.text.passage_sentences import block_sentences
from app.text.sentences import Span
from app.text.stop_words import FOREIGN_FUNCTION_WORDS, FUNCTION_WORDS
from app.text.table_columns import columns

UnitKind = Literal["sentence", "list", "table", "code"]

MAX_TURN_WORDS: Final = 80
"""A longer turn of a speaker is quoted by sentences."""
_SENTENCE_WORDS: Final = 8
_INTRODUCES: Final = re.compile(
    r"[:\uff1a,]$|\b(?:the following|as follows|below)\b[^.!?]{0,40}\.?$", re.IGNORECASE
)
_TITLE: Final = re.compile(r"[^\W_]\S*(?: \S+){0,6}(?<![.!?;,])")
"""A few words above a list that are no sentence: "What we do not want"."""
_ENDS: Final = ".!?:;…”\"')\u3002\uff01\uff1f"
_FUNCTION_WORDS: Final = FUNCTION_WORDS | FOREIGN_FUNCTION_WORDS
"""A long line without any is no sentence, but labels of links or buttons."""
_CAPTION: Final = re.compile(r"(?:table|tab\.|tabelle|tableau)\b", re.IGNORECASE)
_LABELLED: Final = re.compile(r"\w:[ \t]\S")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one passage, as `text`, without list mark; or a row with its cells."""

    passage: int  # index
    span: Span
    text: str
    mark: str = ""
    depth: int = 0
    cells: tuple[str, ...] = ()
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """What is quoted together. `lead` introduces the parts; `header` names the columns."""

    kind: UnitKind
    parts: tuple[Part, ...]
    lead: Part | None = None
    header: tuple[str, ...] = ()
    label: str | None = None  # the speaker, or the term that is explained
    is_first: bool = False  # of the sentences that explain the term
    block: int = 0  # sentences with the same number stand in one paragraph
    opens: bool = False  # reaches the beginning or the end of what was read
    closes: bool = False

    @property
    def text(self) -> str:
        return " ".join(part.text for part in self.parts)

    @property
    def passage(self) -> int:
        return self.parts[0].passage

    @property
    def is_procedure(self) -> bool:
        """Whether it is a list of numbered steps."""
        return self.kind == "list" and any(part.mark[:-1].isdigit() for part in self.parts)


def quotable_units(passages: Sequence[Passage]) -> list[Unit]:
    """The units of all passages; those of the best passage first."""
    units: list[Unit] = []
    for run in _runs(passages):
        units += _Reader(passages, run, first_block=len(units)).units()
    return units


def _runs(passages: Sequence[Passage]) -> list[list[int]]:
    """Indexes of passages that follow each other in one section; in the order of their best."""
    places = sorted(range(len(passages)), key=lambda i: _place(passages[i]))
    runs = [places[:1]] if places else []
    for one, other in pairwise(places):
        if _follows(passages[one], passages[other]):
            runs[-1].append(other)
        else:
            runs.append([other])
    return sorted(runs, key=min)


def _place(passage: Passage) -> tuple[str, int]:
    return passage.source_id, passage.position


def _follows(one: Passage, other: Passage) -> bool:
    place = (one.source_id, one.heading, one.position + 1)
    return place == (other.source_id, other.heading, other.position)


class _Reader:
    """Reads one run of passages."""

    def __init__(self, passages: Sequence[Passage], run: Sequence[int], first_block: int) -> None:
        self._passages = passages
        self._blocks = [
            (number, block) for number in run for block in passage_blocks(passages[number])
        ]
        self._first_block = first_block
        self._only = len(self._blocks) == 1
        self._lead: Part | None = None
        self._at = 0

    def units(self) -> Iterator[Unit]:
        while self._at < len(self._blocks):
            number, block = self._blocks[self._at]
            match block.kind:
                case "item":
                    yield from self._list()
                case "row":
                    yield from self._table()
                case "code":
                    yield from self._code(number, block)
                case _:
                    yield from self._prose(number, block)

    def _prose(self, number: int, block: Block) -> Iterator[Unit]:
        self._at += 1
        passage = self._passages[number]
        introduced, self._lead = self._lead, None
        if block.kind == "term" or self._is_heading(passage, block):
            return
        spans = block_sentences(passage.text, block)
        if introduced is not None and spans:
            last = spans[0] if len(spans) > 3 else spans[-1]
            part = self._part(number, Span(spans[0].start, last.end), "-")
            yield Unit("list", (part,), introduced)
            spans = spans[1:] if len(spans) > 3 else ()
        if spans and self._introduces(spans[-1].of(passage.text)):
            self._lead = self._part(number, spans[-1])
            spans = spans[:-1]
        whole = block.kind == "turn" and len(block.of(passage.text).split()) <= MAX_TURN_WORDS
        if whole and spans and self._lead is None:
            spans = (Span(spans[0].start, spans[-1].end),)
        explained = self._at > 1 and self._blocks[self._at - 2][1].kind == "term"
        for span in spans:
            if _is_quotable(span.of(passage.text), whole=self._only or block.kind == "turn"):
                yield Unit(
                    "sentence",
                    (self._part(number, span),),
                    label=block.label,
                    is_first=explained and span == spans[0],
                    block=self._first_block + self._at,
                )

    def _introduces(self, text: str) -> bool:
        """Whether a sentence is the lead-in of the block that comes next."""
        if self._at >= len(self._blocks):
            return False
        following = self._blocks[self._at][1].kind
        if following == "row" and _CAPTION.match(text):
            return True
        if following == "item" and _TITLE.fullmatch(text):
            return True
        if following == "code" and text[-1] not in _ENDS:
            return True
        if following in ("item", "row", "code"):
            return _INTRODUCES.search(text) is not None
        return following == "paragraph" and text.endswith((":", "\uff1a"))

    def _is_heading(self, passage: Passage, block: Block) -> bool:
        if self._only or passage.heading is None:
            return False
        text = block.of(passage.text)
        return passage.heading == text or passage.heading.endswith(f" > {text}")

    def _part(self, number: int, span: Span, mark: str = "", depth: int = 0) -> Part:
        return Part(number, span, span.of(self._passages[number].text), mark, depth)

    def _list(self) -> Iterator[Unit]:
        begin = self._at
        lead, self._lead = self._lead, None
        parts: list[Part] = []
        while self._at < len(self._blocks):
            number, block = self._blocks[self._at]
            if block.kind != "item" and not self._is_inside_list(block, parts):
                break
            part = self._part(number, Span(block.start, block.end), block.mark, block.depth)
            if block.kind == "code":
                part = Part(number, part.span, part.text, is_code=True)
            if not parts or part.text != parts[-1].text:
                parts.append(part)
            self._at += 1
        yield Unit("list", tuple(parts), lead, opens=begin == 0, closes=self._is_end)

    def _is_inside_list(self, block: Block, parts: Sequence[Part]) -> bool:
        """Whether an item introduces this block, or the step after it has the next number."""
        if block.kind == "code" and parts and parts[-1].text.endswith((":", "\uff1a")):
            return True
        if self._at + 1 >= len(self._blocks):
            return False
        number = next((int(p.mark[:-1]) for p in reversed(parts) if p.mark[:-1].isdigit()), None)
        following = self._blocks[self._at + 1][1]
        if block.kind == "code" and following.kind == "item" and following.depth > 0:
            return True
        return number is not None and following.mark == f"{number + 1}."

    @property
    def _is_end(self) -> bool:
        return self._at >= len(self._blocks)

    def _code(self, number: int, block: Block) -> Iterator[Unit]:
        begin = self._at
        lead, self._lead = self._lead, None
        parts = []
        heading = self._passages[number].heading
        while self._at < len(self._blocks):
            number, block = self._blocks[self._at]
            same = self._passages[number].heading == heading
            if block.kind != "code" or not same:
                break
            parts.append(self._part(number, Span(block.start, block.end)))
            self._at += 1
        yield Unit("code", tuple(parts), lead, opens=begin == 0, closes=self._is_end)

    def _table(self) -> Iterator[Unit]:
        begin = self._at
        lead, self._lead = self._lead, None
        rows: list[Part] = []
        while self._at < len(self._blocks) and self._blocks[self._at][1].kind == "row":
            number, block = self._blocks[self._at]
            rows.append(self._part(number, Span(block.start, block.end)))
            self._at += 1
        opens, closes = begin == 0, self._is_end
        for header, some in columns([row.text for row in rows]):
            parts = tuple(replace(rows[index], cells=values) for index, values in some)
            if not parts:
                continue
            width = max(len(header), len(parts[0].cells))
            if len(parts) > 1 or len(header) == 1 or width > 2:
                kind: UnitKind = "table" if width > 1 else "list"
                yield Unit(kind, parts, lead, header, opens=opens, closes=closes)
            elif _is_quotable(parts[0].text, whole=True):
                yield Unit("sentence", parts, block=self._first_block + begin + parts[0].span.start)


def _is_quotable(text: str, *, whole: bool) -> bool:
    """A sentence, a value with its label, or the `whole` of a passage; no broken code."""
    if text.count("`") % 2 or text.startswith("|"):
        return False
    return (
        whole
        or _LABELLED.search(text) is not None
        or text[-1] in _ENDS
        or (len(text.split()) > _SENTENCE_WORDS and not _FUNCTION_WORDS.isdisjoint(text.split()))
    )
