"""Rows of a table as lines that stand for themselves: "Column: value; Column: value"."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from app.ingest.loaders.extracted_text import ExtractedText

MAX_LINE_LENGTH: Final = 500  # characters; a wider row goes on in lines that repeat its first cell
MAX_NAMES: Final = 1_000_000  # characters of column names that are repeated in the rows
_LOOKED_AT: Final = 20  # rows in which the header is looked for


def add_table(out: ExtractedText, rows: Iterable[Sequence[str]]) -> None:
    """One line per row under the header row, if it has one; "a | b" without.

    Lines before the header (a title, a date) become paragraphs. Empty rows are left out.
    """
    filled = (row for row in (_trimmed(row) for row in rows) if any(row))
    first = list(islice(filled, _LOOKED_AT))
    at = _header_index(first)
    if at is None:
        for row in chain(first, filled):
            out.add_block(" | ".join(cell for cell in row if cell), "row")
        return
    for row in first[:at]:
        out.add_block(" | ".join(cell for cell in row if cell))
    header = first[at]
    if len(first) == at + 1:
        out.add_block(" | ".join(header), "row")
    repeated = 0
    for row in chain(first[at + 1 :], filled):
        if repeated > MAX_NAMES:  # thousands of columns: their names would be most of the text
            header = [""] * len(header)
        repeated += sum(map(len, header))
        for line in _lines(header, row):
            out.add_block(line, "row")


def _trimmed(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in row]


def _header_index(rows: Sequence[Sequence[str]]) -> int | None:
    """The first row as wide as the table with a different word, and no number, in each cell."""
    width = max((sum(1 for cell in row if cell) for row in rows), default=0)
    for index, row in enumerate(rows):
        names = [cell for cell in row if cell]
        if width > 1 and len(names) >= max(2, width - 1):
            distinct = len(set(names)) == len(names)
            return index if distinct and not any(_is_number(name) for name in names) else None
    return None


def _is_number(text: str) -> bool:
    return not any(char.isalpha() for char in text)


def _lines(header: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    names = [*header, *[""] * (len(row) - len(header))]
    cells = [f"{n}: {c}" if n else c for n, c in zip(names, row, strict=False) if c]
    line = cells[0]
    for cell in cells[1:]:
        if len(line) + len(cell) > MAX_LINE_LENGTH and line != cells[0]:
            yield line
            line = cells[0][:MAX_LINE_LENGTH]
        line += f"; {cell}"
    yield line
