"""Lines of a PDF page to headings, paragraphs and list items, by size and distance."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.ingest.parsed_document import BlockKind

REPEATED: Final = 0.6  # share of the pages on which furniture stands
MIN_PAGES: Final = 2  # with fewer nothing counts as repeated
_EDGE: Final = 2  # lines looked at from the top and from the bottom
_LARGER: Final = 1.15  # a heading's letters to those of the text
_MAX_HEADING_LENGTH: Final = 150
_GAP: Final = 1.45  # distance of lines to the usual one, from which a paragraph ends
_SHORT: Final = 0.75  # of the text's width: a line that ends here ends its paragraph
_ITEM: Final = re.compile(r"(?:[•‣◦▪●○–*·]|-|\d{1,3}[.)]|[a-z]\))\s+\S")
_ENDS: Final = (".", "!", "?", ":", "…", "。", '"', "”", ")", "؟", "\u06d4")
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands on the page, in points from the lower left corner."""

    text: str
    left: float
    right: float
    bottom: float
    size: float  # of the letters
    broken: bool = False  # its last word goes on in the next line


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph or item, or a heading when it has a level (1 is the largest)."""

    text: str
    kind: BlockKind = "paragraph"
    level: int | None = None


def body_size(pages: Sequence[Sequence[Line]]) -> float:
    """The size in which most characters are set."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def without_furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without the first and last lines that stand on most of them, numbers aside.

    A page that would be left empty is kept as it is.
    """
    if len(pages) < MIN_PAGES:
        return [list(page) for page in pages]
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_key(page[at]) for at in _edges(page)})
    # A document may leave its title page, or every other page, without.
    needed = max(MIN_PAGES, REPEATED * len(pages))
    kept = []
    for page in pages:
        dropped = {at for at in _edges(page) if counts[_key(page[at])] >= needed}
        rest = [line for at, line in enumerate(page) if at not in dropped]
        kept.append(rest or list(page))
    return kept


def _edges(page: Sequence[Line]) -> set[int]:
    length = len(page)
    return {*range(min(_EDGE, length)), *range(max(0, length - _EDGE), length)}


def _key(line: Line) -> str:
    return _DIGITS.sub("#", line.text)


def pieces(lines: Sequence[Line], body: float) -> Iterator[Piece]:
    """What the lines of a page say, in order."""
    width = max((line.right for line in lines), default=0.0)
    step = _usual_step(lines)
    group: list[Line] = []
    for line in lines:
        if group and _begins_anew(group[-1], line, body=body, width=width, step=step):
            yield _piece(group, body)
            group = []
        group.append(line)
    if group:
        yield _piece(group, body)


def _usual_step(lines: Sequence[Line]) -> float:
    """The distance between the lines of a paragraph: the most frequent one."""
    steps = Counter(
        round(above.bottom - below.bottom)
        for above, below in pairwise(lines)
        if above.bottom > below.bottom and abs(above.size - below.size) < 0.5
    )
    return float(max(steps, key=lambda step: (steps[step], -step))) if steps else 0.0


def _begins_anew(before: Line, line: Line, *, body: float, width: float, step: float) -> bool:
    if abs(before.size - line.size) > 0.1 * max(before.size, line.size):
        return True
    if before.broken:
        return False
    if _ITEM.match(line.text):
        return True
    down = before.bottom - line.bottom
    if step > 0 and down > _GAP * max(step, line.size):
        return True
    if _is_heading(before, body) and _is_heading(line, body):
        return False
    ended = before.text.endswith(_ENDS)
    if down < -line.size:  # the top of the next column
        return ended
    return ended and before.right < _SHORT * width


def _is_heading(line: Line, body: float) -> bool:
    return line.size >= _LARGER * body and len(line.text) <= _MAX_HEADING_LENGTH


def _piece(group: Sequence[Line], body: float) -> Piece:
    text = _joined(group)
    first = group[0]
    if _is_heading(first, body) and len(text) <= _MAX_HEADING_LENGTH and text[-1] not in ".,;":
        ratio = first.size / body
        return Piece(text, level=1 if ratio >= 1.7 else 2 if ratio >= 1.35 else 3)
    return Piece(text, "item" if _ITEM.match(text) else "paragraph")


def _joined(group: Sequence[Line]) -> str:
    """One line of text. A hyphen that PDFium did not recognise stays: it may be the word's own."""
    text = ""
    for line in group:
        text += line.text if line.broken else line.text + " "
    return text.rstrip()
