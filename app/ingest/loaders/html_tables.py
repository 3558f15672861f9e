"""Rows of HTML tables, with their header markup."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bs4.element import NavigableString, PageElement, Tag

from app.ingest.loaders.html_furniture import Furniture
from app.ingest.loaders.html_text import MAX_DEPTH, words_of
from app.ingest.loaders.table_headers import HeaderRow, LabelledRow, Spanned

MAX_SPAN: Final = 1_000  # columns, rows
MAX_SPANNED: Final = 100_000  # covered cells per table; further spans are ignored
_CELLS: Final = ("td", "th")
_NO_ROWS: Final = ("caption", "colgroup", "col")
_WRITTEN: Final = re.compile(r"\S")


def table_rows(table: Tag, furniture: Furniture) -> Iterator[list[str]]:
    """A cell that spans rows or columns is repeated in each of them."""
    below: dict[int, tuple[str, int]] = {}  # by column: the text and the remaining rows
    spare = MAX_SPANNED
    for row in _cells_by_row(table, furniture):
        cells = {column: text for column, (text, _) in below.items()}
        below = {column: (text, n - 1) for column, (text, n) in below.items() if n > 1}
        column = 0
        for cell in row:
            while column in cells:
                column += 1
            height, width = _spans(cell)
            width = min(width, spare + 1)
            spare -= width - 1
            text = words_of(cell, furniture)
            for at in range(column, column + width):
                if at not in cells:
                    cells[at] = text if at == column else Spanned(text)
                if height > 1:
                    below[at] = (cells[at], height - 1)
            column += width
        yield _of_kind(row, [cells[at] for at in sorted(cells)])


def _of_kind(row: Sequence[PageElement], cells: list[str]) -> list[str]:
    """The row as the page marks it: a header row, or one named by its first cell."""
    tags = [one for one in row if isinstance(one, Tag) and one.get_text().strip()]
    is_name = [_is_name(one) for one in tags]
    if is_name and all(is_name):
        return HeaderRow(cells)
    if len(is_name) > 1 and is_name[0] and not any(is_name[1:]):
        return LabelledRow(cells)
    return cells


def _is_name(cell: Tag) -> bool:
    """Whether the cell is, or is styled like, a row or column header."""
    part = cell.find_parent(["thead", "table"])
    if cell.name == "th" or (part is not None and part.name == "thead"):
        return True
    words = cell.find_all(string=_WRITTEN)
    return all(one.find_parent(["b", "strong", "td"]) is not cell for one in words)


def _cells_by_row(table: Tag, furniture: Furniture, depth: int = 0) -> Iterator[list[PageElement]]:
    """The cells of each row. Text and cells outside rows become rows of their own."""
    stray: list[PageElement] = []
    for child in table.children:
        if isinstance(child, Tag) and (child.name in _NO_ROWS or furniture.is_left_out(child)):
            continue
        if isinstance(child, Tag) and child.name not in _CELLS and depth < MAX_DEPTH:
            if stray:
                yield stray
                stray = []
            if child.name == "tr":
                yield [one for one in child.children if _is_cell(one, furniture)]
            else:
                yield from _cells_by_row(child, furniture, depth + 1)
        elif _is_cell(child, furniture):
            stray.append(child)
    if stray:
        yield stray


def _is_cell(node: PageElement, furniture: Furniture) -> bool:
    """Whether the node counts as a cell; stray text between cells does."""
    if isinstance(node, Tag):
        return not furniture.is_left_out(node)
    return type(node) is NavigableString and bool(node.strip())


def _spans(cell: PageElement) -> tuple[int, int]:
    """Row span and column span."""
    if not isinstance(cell, Tag):
        return 1, 1
    return _span(cell, "rowspan"), _span(cell, "colspan")


def _span(cell: Tag, name: str) -> int:
    text = str(cell.get(name) or "1")
    return min(max(int(text[:8]), 1), MAX_SPAN) if text.isdecimal() else 1
