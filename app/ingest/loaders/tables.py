"""Writes table rows as self-contained lines: "Column: value; Column: value".

A sheet may hold several tables, titles between them, and forms of labels and values. Headers are
detected by how they differ from the rows below.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Final

from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.table_headers import (
    USUAL,
    Header,
    HeaderRow,
    LabelledRow,
    Spanned,
    column,
    evidence,
    filled,
    find_header,
    is_form,
    is_group_row,
    is_label,
    is_value,
)

if TYPE_CHECKING:
    from app.ingest.parsed_document import BlockKind

MAX_LINE_LENGTH: Final = 500  # characters; wider rows continue on lines repeating their first cell
MAX_NAMES: Final = 1_000_000  # characters of column names repeated in rows
LOOKED_AT: Final = 50  # rows examined to detect the structure of a table
_LONG: Final = 80  # longer merged cells are not repeated in each of their columns


def add_table(
    out: ExtractedText,
    rows: Iterable[Sequence[str]],
    *,
    page: int | None = None,
    prior: float = USUAL,
) -> None:
    """Write one line per row under its header, "label: value" in forms, "a | b" without either.

    Lines above a header (a title, a date) become paragraphs. Empty rows are omitted; rows after
    them continue under the header above unless they have their own. `prior` is the initial
    evidence for a header.
    """
    writer = _Writer(out, page, prior)
    for has_text, block in groupby(map(_trimmed, rows), key=any):
        if has_text:
            writer.add(block)
    writer.end()


class _Writer:
    """Writes blocks of rows, which are separated by empty rows."""

    def __init__(self, out: ExtractedText, page: int | None, prior: float) -> None:
        self._out = out
        self._page = page
        self._prior = prior
        self._header: Header | None = None
        self._cells: Counter[int] = Counter()  # non-empty cells per column
        self._values: Counter[int] = Counter()  # of these, numbers or dates
        self._repeated = 0
        self._margin = 0  # empty columns to the left of all rows

    def add(self, rows: Iterator[list[str]]) -> None:
        first = list(islice(rows, LOOKED_AT))
        further = next(rows, None)
        rest = rows if further is None else chain([further], rows)
        if further is None and (parts := _side_by_side(first)):
            forms = _are_forms(parts)
            for part in parts:
                if forms:
                    self._add_form(part)
                else:
                    self._add_table(part, iter(()))
        else:
            self._add_table(first, rest)

    def end(self) -> None:
        """Name the columns that had no value in any row."""
        if self._header is not None and self._cells:
            empty = [
                name for at, name in enumerate(self._header.names) if name and not self._cells[at]
            ]
            self._line("; ".join(f"{name}:" for name in empty))
        self._header = None
        self._cells.clear()
        self._values.clear()

    def _line(self, text: str, kind: "BlockKind" = "row") -> None:
        self._out.add_block(text, kind, page=self._page)

    def _add_table(self, first: list[list[str]], rest: Iterator[list[str]]) -> None:
        width = max(map(filled, first))
        while len(first) > 1 and width > 1 and filled(first[0]) == 1 and not is_group_row(first):
            self.end()
            self._line(next(filter(None, first.pop(0))), "paragraph")
        if width < 2 and self._header is None:
            kind: BlockKind = "paragraph" if len(first) == 1 else "row"
            for row in chain(first, rest):
                self._line(" ".join(own_cells(row)), kind)
            return
        if is_form(first):
            self._add_form(chain(first, rest))
            return
        continues = self._continues(first)
        header, used = find_header(first, prior=self._prior, continues=continues)
        if header is not None:
            self.end()
            self._header = header
            if not header.certain or used == len(first):
                self._line(" | ".join(filter(None, header.names)))
        elif not continues:
            self.end()
        self._margin = min(map(_margin, first))
        for row in chain(first[used:], rest):
            self._add_row(row)

    def _add_form(self, rows: Iterable[Sequence[str]]) -> None:
        self.end()
        for row in rows:
            self._line(_labelled(row))

    def _continues(self, first: Sequence[Sequence[str]]) -> bool:
        """Whether the rows fit under the current header: no wider, numbers where it has numbers."""
        if self._header is None or max(map(len, first)) > len(self._header.names):
            return False
        below = [column(first, at) for at in self._figures()]
        return all(sum(map(is_value, cells)) > 0.5 * len(cells) for cells in below if cells)

    def _figures(self) -> list[int]:
        """The columns that have been mostly numeric so far."""
        return [at for at, count in self._values.items() if count > 0.7 * self._cells[at]]

    def _add_row(self, row: Sequence[str]) -> None:
        if self._header is None:
            begin = min(self._margin, _margin(row))
            self._line(_labelled(row) if isinstance(row, LabelledRow) else _unnamed(row[begin:]))
            return
        if self._is_next_header(row):
            if tuple(row) != self._header.names:
                self.end()
                self._header = Header(tuple(row), certain=True)
                self._line(" | ".join(own_cells(row)))
            return
        self._add_named(row, self._header.names)

    def _is_next_header(self, row: Sequence[str]) -> bool:
        """Whether the row renames the columns: text where there were numbers, and no values."""
        if self._header is None or not self._cells or filled(row) < 2:
            return False
        if tuple(row) == self._header.names:
            return True
        if not isinstance(row, HeaderRow) or any(map(is_value, row)):
            return False
        return any(at and column([row], at) for at in self._figures())

    def _add_named(self, row: Sequence[str], names: Sequence[str]) -> None:
        # A cell that spans the row is a title; one that spans some columns is repeated in each.
        alone = filled(row) == 1
        is_title = alone and any(isinstance(cell, Spanned) for cell in row)
        own = [
            "" if isinstance(cell, Spanned) and (alone or len(cell) > _LONG) else str(cell)
            for cell in row
        ]
        for at, cell in enumerate(own):
            if cell:
                self._cells[at] += 1
                self._values[at] += is_value(cell)
        if alone and own[0] and (is_title or len(names) > 2):
            self._line(own[0])
            return
        if self._repeated > MAX_NAMES:  # with thousands of columns, names would be most of the text
            names = ("",) * len(names)
        self._repeated += sum(map(len, names))
        for line in _lines(names, own):
            self._line(line)


def _trimmed(row: Sequence[str]) -> list[str]:
    """Strip white space from cells and drop trailing empty cells."""
    cells = [type(cell)(" ".join(cell.split())) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return type(row)(cells) if isinstance(row, HeaderRow | LabelledRow) else cells


def _margin(row: Sequence[str]) -> int:
    return next((at for at, cell in enumerate(row) if cell), len(row))


def own_cells(row: Sequence[str]) -> list[str]:
    """The non-empty cells, without the repeats of merged cells."""
    return [cell for cell in row if cell and not isinstance(cell, Spanned)]


def _unnamed(row: Sequence[str]) -> str:
    """Join the cells; empty ones keep their place, except at the end."""
    return " | ".join(cell for cell in row if not isinstance(cell, Spanned)).rstrip(" |")


def _labelled(row: Sequence[str]) -> str:
    label, *values = own_cells(row)
    return f"{label.rstrip(':：').rstrip()}: {' | '.join(values)}" if values else label


def _side_by_side(rows: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Split tables separated by an empty column; [] when there is only one table."""
    width = max(map(len, rows))
    used = [any(at < len(row) and row[at] for row in rows) for at in range(width)]
    groups = [
        (cells[0], cells[-1] + 1)
        for is_used, columns in groupby(range(width), key=used.__getitem__)
        if is_used and (cells := list(columns))
    ]
    if len(groups) < 2 or any(end - begin < 2 for begin, end in groups):
        return []
    parts = []
    for begin, end in groups:
        cut = ((type(row) if isinstance(row, HeaderRow) else list)(row[begin:end]) for row in rows)
        part = [row for row in map(_trimmed, cut) if any(row)]
        parts.append(part)
    if any(len(part) < 2 for part in parts):
        return []
    return parts if _are_forms(parts) or all(map(_has_header, parts)) else []


def _has_header(part: Sequence[Sequence[str]]) -> bool:
    titles = sum(1 for row in part[:2] if filled(row) == 1)
    return evidence(part[titles % len(part)], part[titles + 1 :]) > 0


def _are_forms(parts: Sequence[Sequence[Sequence[str]]]) -> bool:
    """Whether the parts are label-value pairs: at least one clearly, none with a header."""
    rows = [row for part in parts for row in part]
    if any(len(row) > 2 or isinstance(row, HeaderRow) for row in rows):
        return False
    if any(is_value(row[0]) for row in rows):
        return False
    if sum(is_label(row[0]) for row in rows) > 1:
        return True
    kinds = [{is_value(row[1]) for row in part if len(row) > 1} for part in parts]
    mixed = any(
        len(one) == 2 and not is_value(part[0][-1]) for one, part in zip(kinds, parts, strict=True)
    )
    headed = any(
        not is_value(part[0][-1]) and all(is_value(row[-1]) for row in part[1:]) for part in parts
    )
    return any(map(is_form, parts)) or (mixed and not headed)


def _lines(names: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    named = [*names, *[""] * (len(row) - len(names))]
    cells = [f"{n}: {c}" if n else c for n, c in zip(named, row, strict=False) if c]
    if not cells:
        return
    line = cells[0]
    for cell in cells[1:]:
        if len(line) + len(cell) > MAX_LINE_LENGTH and line != cells[0]:
            yield line
            line = cells[0][:MAX_LINE_LENGTH]
        line += f"; {cell}"
    yield line
