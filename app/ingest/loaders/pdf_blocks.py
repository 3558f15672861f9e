"""Groups lines of a PDF into headings, paragraphs, items, rows and code, by size and spacing."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.ingest.loaders.pdf_hyphens import Vocabulary
from app.ingest.loaders.pdf_layout import Line
from app.ingest.loaders.pdf_text import Cell
from app.ingest.parsed_document import BlockKind

_LARGER: Final = 1.15  # heading font size relative to body text
_MAX_HEADING_LENGTH: Final = 150
_MAX_HEADING_LINES: Final = 2  # lines in a heading that end before they are full
_MAX_STEP: Final = 2.5  # em between the lines of a paragraph
_GAP: Final = 1.45  # line distance relative to the usual one, above which a paragraph ends
_COLUMN: Final = 3.0  # em to the right, from which a line may start the next column
_CODE_GAP: Final = 3.0  # em between lines of code
_SHORT: Final = 0.25  # share of the column width left empty: the line break is intended
_LINES: Final = 0.5  # share of intended line breaks from which all are kept, as in an address
_MANY_LINES: Final = 4
_NEAR: Final = 6  # lines
_MIN_ADDRESS_LINES: Final = 3
_MAX_ADDRESS_WORDS: Final = 6
_ITEM: Final = re.compile(r"(?:[•‣◦▪●○–*·]|-|\d{1,3}[.)]|[a-z]\))\s+\S")
_ENDS: Final = (".", "!", "?", ":", "…", "。", '"', "”", ")", "؟", "\u06d4")
_UNSPACED: Final = re.compile(  # scripts written without spaces between words
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u31f0-\u31ff\u3400-\u9fff"
    "\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph, item, row or code; a heading if it has a level (1 is the largest)."""

    text: str
    kind: BlockKind = "paragraph"
    level: int | None = None
    is_large: bool = False
    cells: tuple[Cell, ...] = ()  # of a row


def body_size(pages: Sequence[Sequence[Line]]) -> float:
    """The font size of most characters."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def pieces(lines: Sequence[Line], body: float, vocabulary: Vocabulary) -> Iterator[Piece]:
    """Split the lines of a page into pieces, in order."""
    page = _Page(lines, body)
    begin = 0
    for end in range(1, len(lines) + 1):
        if end == len(lines) or page.begins_anew(end):
            yield page.piece(begin, end, vocabulary)
            begin = end


class _Page:
    """Knows the column widths and line distances of a page."""

    def __init__(self, lines: Sequence[Line], body: float) -> None:
        self._lines = lines
        self._body = body
        fixed = sum(len(line.text) for line in lines if line.fixed)
        self._few_fixed = 2 * fixed < sum(len(line.text) for line in lines)  # code within text
        self._step = min(_usual_step(lines), _MAX_STEP * body)

    def begins_anew(self, at: int) -> bool:
        """Whether a paragraph ends before line `at`."""
        before, line = self._lines[at - 1], self._lines[at]
        down = before.bottom - line.bottom
        if before.is_row or line.is_row or before.fixed != line.fixed:
            return True
        if line.fixed:
            return not 0 < down <= _CODE_GAP * line.size
        if abs(before.size - line.size) > 0.1 * max(before.size, line.size):
            return True
        if before.broken:
            return False
        if _ITEM.match(line.text):
            return True
        if self._step > 0 and down > _GAP * max(self._step, line.size):
            return True
        if self._is_large(before) and self._is_large(line):
            return False
        ended = before.text.endswith(_ENDS)
        if down < -line.size:  # the top of the next column, or text drawn later
            return ended or line.left < before.left + _COLUMN * line.size
        return ended and _ends_early(before, line, self._edge_near(at))

    def piece(self, begin: int, end: int, vocabulary: Vocabulary) -> Piece:
        group = self._lines[begin:end]
        first = group[0]
        if first.is_row:
            text = " ".join(first.text.split()) + "-" * first.broken
            return Piece(text, "row", cells=first.cells)
        edge = max(line.right for line in group)
        if len(group) < _MANY_LINES:  # too few to tell how long a full line is
            edge = max(edge, self._edge_near(begin))
        early = [
            _ends_early(line, after, edge) and not line.broken for line, after in pairwise(group)
        ]
        in_lines = len(group) > 1 and (sum(early) >= _LINES * len(early) or _is_address(group))
        if first.fixed and (in_lines or self._few_fixed):
            return Piece(_code(group), "code")
        if self._is_large(first) and sum(early) < _MAX_HEADING_LINES:
            text = _joined(group, [" "] * len(early), vocabulary)
            if len(text) <= _MAX_HEADING_LENGTH and text[-1] not in ".,;":
                ratio = first.size / self._body
                return Piece(text, level=1 if ratio >= 1.7 else 2 if ratio >= 1.35 else 3)
        ends = [
            "\n" if in_lines or (one and _is_short(line, edge)) else " "
            for one, line in zip(early, group, strict=False)
        ]
        text = _joined(group, ends, vocabulary)
        kind: BlockKind = "item" if _ITEM.match(text) else "paragraph"
        return Piece(text, kind, is_large=self._is_large(first))

    def _is_large(self, line: Line) -> bool:
        return line.size >= _LARGER * self._body and len(line.text) <= _MAX_HEADING_LENGTH

    def _edge_near(self, at: int) -> float:
        """The right edge of nearby lines with the same left edge."""
        line = self._lines[at]
        near = self._lines[max(0, at - _NEAR) : at + _NEAR]
        return max(
            one.right
            for one in near
            if abs(one.left - line.left) <= 3 * line.size and abs(one.size - line.size) < 1
        )


def _ends_early(line: Line, after: Line, edge: float) -> bool:
    """Whether the first word of the next line would have fitted on this one."""
    word = min(after.first, 2 * after.size) if _UNSPACED.match(after.text) else after.first
    return edge - line.right > word + 0.3 * line.size


def _is_short(line: Line, edge: float) -> bool:
    return edge - line.right > _SHORT * (edge - line.left)


def _is_address(group: Sequence[Line]) -> bool:
    """Whether these are short lines that all begin with a capital letter or a digit."""
    return len(group) >= _MIN_ADDRESS_LINES and all(
        (line.text[0].isupper() or line.text[0].isdigit())
        and line.text.count(" ") < _MAX_ADDRESS_WORDS
        for line in group
    )


def _usual_step(lines: Sequence[Line]) -> float:
    """The most frequent distance between consecutive lines."""
    steps = Counter(
        round(above.bottom - below.bottom)
        for above, below in pairwise(lines)
        if above.bottom > below.bottom and abs(above.size - below.size) < 0.5
    )
    return float(max(steps, key=lambda step: (steps[step], -step))) if steps else 0.0


def _code(group: Sequence[Line]) -> str:
    """Lines with their indentation; larger gaps become empty lines."""
    left = min(line.left for line in group)
    longest = max(group, key=lambda line: len(line.text))
    pitch = (longest.right - longest.left) / len(longest.text) or 1.0
    steps = [above.bottom - below.bottom for above, below in pairwise(group)]
    usual = min(steps, default=1.0)
    text = ""
    for line, step in zip(group, [usual, *steps], strict=True):
        if text:
            text += "\n" * max(1, min(3, round(step / usual)))
        text += " " * min(200, round((line.left - left) / pitch)) + line.text + "-" * line.broken
    return text


def _joined(group: Sequence[Line], ends: Sequence[str], vocabulary: Vocabulary) -> str:
    """Join lines with `ends` between them, except where a word continues."""
    text = " ".join(group[0].text.split())
    for before, line, end in zip(group, group[1:], ends, strict=False):
        more = " ".join(line.text.split())
        if before.broken:
            text = vocabulary.joined(text, more)
        elif end == " " and _UNSPACED.match(text[-1]) and _UNSPACED.match(more):
            text += more
        else:
            text += end + more
    return text + "-" * group[-1].broken
