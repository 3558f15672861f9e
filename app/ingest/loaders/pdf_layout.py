"""Orders the cells of a PDF page into lines: columns one by one, tables row by row."""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from app.ingest.loaders.pdf_text import Cell

_SAME_LINE: Final = 0.35  # em of vertical distance
_MAX_STEP: Final = 2.5  # em between the lines of a column or the rows of a table
_WIDE_GAP: Final = 3.0  # em between a label and its value
_MIN_GUTTER: Final = 0.5  # em
_MAX_COLUMNS: Final = 8
_MIN_PROSE_LINES: Final = 3
_MIN_PROSE_WORDS: Final = 3.0  # words in a line of a text column
_MIN_FILL: Final = 0.7  # share of a column's width filled by its lines
_MIN_LOWER: Final = 0.25  # share of lines of running text that begin with a lowercase letter
_ROW_STEP: Final = 1.5  # em; short lines in columns that are further apart are table rows
_FIELD_SHIFT: Final = 0.7  # em between a field and the line of its label
_LEADERS: Final = re.compile(r"(?: ?\.){5,} ?")  # dots in a table of contents
_UNSPACED: Final = 4  # letters that count as a word in scripts without spaces


@dataclass(frozen=True, slots=True)
class Line:
    """A line in reading order. Coordinates in points from the lower left corner."""

    text: str
    left: float
    right: float
    bottom: float
    size: float  # font size
    first: float  # width of the first word
    broken: bool = False  # the last word continues on the next line
    fixed: bool = False  # set in a fixed-pitch font
    is_row: bool = False  # a table row, or a label with its value
    cells: tuple[Cell, ...] = ()  # of a row, left to right


@dataclass(slots=True)
class _Row:
    """Adjacent cells, from left to right."""

    cells: list[Cell]
    is_row: bool = False

    @property
    def bottom(self) -> float:
        return self.cells[0].bottom

    @property
    def size(self) -> float:
        return self.cells[0].size


def ordered_lines(cells: Sequence[Cell], fields: Sequence[Cell] = ()) -> list[Line]:
    """The lines of a page. `cells` are in drawing order; `fields` are inserted between them."""
    rows = _with_fields(_joined_columns(_rows(cells)), fields)
    return [_line(row) for row in _separated_columns(rows)]


def _rows(cells: Sequence[Cell]) -> list[_Row]:
    """Cells drawn consecutively at the same height."""
    rows: list[_Row] = []
    for cell in cells:
        if rows and _continues(rows[-1].cells[-1], cell):
            rows[-1].cells.append(cell)
        else:
            rows.append(_Row([cell]))
    for row in rows:
        if len(row.cells) > 1:
            row.cells.sort(key=lambda cell: cell.left)
    return rows


def _continues(before: Cell, cell: Cell) -> bool:
    if abs(before.bottom - cell.bottom) > _SAME_LINE * max(before.size, cell.size):
        return False
    apart = (
        cell.left >= before.right - 0.3 * cell.size or cell.right <= before.left + 0.3 * cell.size
    )
    return apart and abs(before.size - cell.size) <= 0.3 * max(before.size, cell.size)


def _joined_columns(rows: list[_Row]) -> list[_Row]:
    """Reassemble rows of a table that was drawn column by column."""
    groups = _descending(rows)
    if len(groups) == 1:
        return rows
    joined = [groups[0]]
    heights = _heights(groups[0])
    for group in groups[1:]:
        partners = [_partner(heights, row) for row in group]
        if _is_next_column(joined[-1], group, partners):
            for row, partner in zip(group, partners, strict=True):
                if partner is None:
                    joined[-1].append(row)
                else:
                    partner.cells += row.cells
                    partner.is_row = True
        else:
            joined.append(group)
            heights = _heights(group)
    return [row for group in joined for row in group]


def _descending(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Split where drawing moves back up the page."""
    groups: list[list[_Row]] = [[]]
    last: _Row | None = None
    for row in rows:
        if last is not None and row.bottom > last.bottom + 0.5 * row.size:
            groups.append([])
        groups[-1].append(row)
        last = row
    return groups


def _heights(group: Sequence[_Row]) -> dict[int, _Row]:
    return {round(row.bottom + shift): row for row in group for shift in (-1, 1, 0)}


def _partner(heights: dict[int, _Row], row: _Row) -> _Row | None:
    partner = heights.get(round(row.bottom))
    if partner is None:
        return None
    last = partner.cells[-1]
    return partner if row.cells[0].left > last.right or row.cells[-1].right < last.left else None


def _is_next_column(
    group: Sequence[_Row], column: Sequence[_Row], partners: Sequence[_Row | None]
) -> bool:
    matched = [(a, b) for a, b in zip(partners, column, strict=True) if a is not None]
    if len(matched) < 2 or len(matched) < 0.8 * len(column):
        return False
    if median(_words(row.cells) for _, row in matched) > 4:
        return False
    labels = sum(row.cells[-1].text.endswith((":", "\uff1a")) for row, _ in matched)
    figures = sum(any(map(str.isdigit, row.cells[0].text)) for _, row in matched)
    table = sum(row.is_row for row, _ in matched)
    if 2 * max(labels, figures, table) >= len(matched):
        return True
    steps = [a.bottom - b.bottom for (_, a), (_, b) in pairwise(matched)]
    return median(steps) > _ROW_STEP * column[0].size


def _with_fields(rows: list[_Row], fields: Sequence[Cell]) -> list[_Row]:
    """Insert a form field into the line of its label, else by its height."""
    if not fields:
        return rows
    by_height = sorted(range(len(rows)), key=lambda at: rows[at].bottom)
    heights = [rows[at].bottom for at in by_height]
    after: dict[int, list[_Row]] = {}
    for field in sorted(fields, key=lambda one: (-one.bottom, one.left)):
        place = bisect(heights, field.bottom)
        near = [rows[at] for at in by_height[max(0, place - 1) : place + 1]]
        row = min(near, key=lambda one: abs(one.bottom - field.bottom), default=None)
        if row is not None and abs(row.bottom - field.bottom) <= _FIELD_SHIFT * field.size:
            row.cells.append(field)
            row.is_row = True
        else:
            above = by_height[place] if place < len(rows) else -1
            after.setdefault(above, []).append(_Row([field], is_row=True))
    out = after.get(-1, [])
    for at, row in enumerate(rows):
        row.cells.sort(key=lambda cell: cell.left)
        out += [row, *after.get(at, ())]
    return out


def _separated_columns(rows: list[_Row]) -> Iterator[_Row]:
    """Split lines drawn across the gutter of two columns, and mark table rows."""
    waiting = [(rows, 0, 1)]
    while waiting:
        some, at, columns = waiting.pop()
        while at < len(some):
            gutter = _gutter(some, at) if len(some[at].cells) > 1 else None
            if gutter is None:
                yield _marked(some[at])
                at += 1
                continue
            run = some[at : gutter.end]
            at = gutter.end
            left, right = _sides(run, gutter.middle)
            if columns < _MAX_COLUMNS and _is_prose(left) and _is_prose(right):
                waiting += [(some, at, columns), (right, 0, columns + 1), (left, 0, columns + 1)]
                break
            for row in run:
                row.is_row = row.is_row or len(row.cells) > 1
                yield row


def _marked(row: _Row) -> _Row:
    """Mark a label with a distant value as a row."""
    if any(b.left - a.right > _WIDE_GAP * b.size for a, b in pairwise(row.cells)):
        row.is_row = True
    return row


@dataclass(frozen=True, slots=True)
class _Gutter:
    """Vertical empty space that the rows before row `end` leave free."""

    middle: float
    end: int


def _gutter(rows: Sequence[_Row], start: int) -> _Gutter | None:
    """The gap of this row that the most rows below share; None if no other row does."""
    cells = rows[start].cells
    gaps = [(a.right, b.left) for a, b in pairwise(cells)]
    gaps = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MAX_COLUMNS]
    found = [one for one in (_followed(rows, start, *gap) for gap in gaps) if one is not None]
    return max(found, key=lambda gutter: gutter.end, default=None)


def _followed(rows: Sequence[_Row], start: int, low: float, high: float) -> _Gutter | None:
    shared = 1
    end = start + 1
    before = rows[start]
    while end < len(rows):
        row = rows[end]
        step = before.bottom - row.bottom
        if not 0 < step <= _MAX_STEP * before.size or abs(row.size - before.size) > 0.2 * row.size:
            break
        middle = (low + high) / 2
        left = [cell.right for cell in row.cells if cell.left + cell.right < 2 * middle]
        right = [cell.left for cell in row.cells if cell.left + cell.right >= 2 * middle]
        new_low, new_high = max(left, default=low), min(right, default=high)
        new_low, new_high = max(low, new_low), min(high, new_high)
        if new_high - new_low < _MIN_GUTTER * row.size:
            break
        low, high, before = new_low, new_high, row
        shared += bool(left and right)
        end += 1
    return _Gutter((low + high) / 2, end) if shared > 1 else None


def _sides(rows: Sequence[_Row], middle: float) -> tuple[list[_Row], list[_Row]]:
    left, right = [], []
    for row in rows:
        one = [cell for cell in row.cells if cell.left + cell.right < 2 * middle]
        other = [cell for cell in row.cells if cell.left + cell.right >= 2 * middle]
        if one:
            left.append(_Row(one))
        if other:
            right.append(_Row(other))
    return left, right


def _is_prose(rows: Sequence[_Row]) -> bool:
    """Whether the rows are lines of running text rather than table cells."""
    if len(rows) < _MIN_PROSE_LINES:
        return False
    if median(_words(row.cells) for row in rows) < _MIN_PROSE_WORDS:
        return False
    begin = min(row.cells[0].left for row in rows)
    ends = [row.cells[-1].right - begin for row in rows]
    if sum(ends) < _MIN_FILL * max(ends) * len(ends):
        return False
    firsts = [row.cells[0].text[0] for row in rows[1:]]
    lower = sum(map(str.islower, firsts))
    return lower >= _MIN_LOWER * (lower + sum(map(str.isupper, firsts)))


def _words(cells: Sequence[Cell]) -> float:
    return sum(
        cell.words if cell.text.isascii() else max(cell.words, _wide(cell.text) / _UNSPACED)
        for cell in cells
    )


def _wide(text: str) -> int:
    return sum(one >= "\u0e00" for one in text)


def _line(row: _Row) -> Line:
    cells = row.cells
    labelled = any(not cell.alone for cell in cells)
    texts = [cell.text if labelled else cell.alone for cell in cells]
    texts[:-1] = [text + "-" * cell.broken for text, cell in zip(texts, cells[:-1], strict=False)]
    ltr = sum(not cell.rtl and any(map(str.isalpha, cell.text)) for cell in cells)
    is_rtl = sum(cell.rtl for cell in cells) > ltr
    if is_rtl:
        texts.reverse()
    last = cells[-1]
    text = " ".join(texts)
    return Line(
        text=_LEADERS.sub(" … ", text),
        left=cells[0].left,
        right=last.right,
        bottom=cells[0].bottom,
        size=max(cell.size for cell in cells),
        first=cells[0].first,
        broken=last.broken,
        fixed=all(cell.fixed for cell in cells),
        is_row=row.is_row or _LEADERS.search(text) is not None,
        cells=tuple(cells) if row.is_row and not is_rtl else (),
    )
