"""Assigns rows of a PDF page to table columns by position, where a header names the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.ingest.loaders.pdf_text import Cell
from app.ingest.loaders.table_headers import (
    Header,
    HeaderRow,
    Spanned,
    find_header,
    is_form,
    is_value,
)

_MAX_COLUMNS: Final = 40
_MAX_NAME: Final = 60  # characters
_MIN_PAIRS: Final = 3  # rows of numbers under a two-column header; fewer may be a form


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells by column. `edges` are the left and right edges of the columns, in points."""

    rows: list[list[str]]
    edges: tuple[tuple[float, float], ...]
    names: tuple[str, ...]


def table_of(lines: Sequence[Sequence[Cell]], before: Table | None = None) -> Table | None:
    """The lines as a table; None when they have no columns or no header.

    `before` is a table at the end of the previous page: its header applies where columns match.
    """
    edges = _columns(lines)
    if edges is None:
        return None
    rows = [_row(line, edges) for line in lines]
    header, used = find_header(rows, prior=0.0)
    if header is not None and not is_form(rows) and _is_sure(header, rows[used:]):
        return Table(rows, edges, header.names)
    if before is not None and _are_same(edges, before.edges):
        return Table([HeaderRow(before.names), *rows], edges, before.names)
    return None


def _columns(lines: Sequence[Sequence[Cell]]) -> tuple[tuple[float, float], ...] | None:
    """Column positions from the longest rows, if those rows agree."""
    width = max(map(len, lines))
    longest = [line for line in lines if len(line) == width]
    if not 1 < width <= _MAX_COLUMNS or len(longest) < 2:
        return None
    edges = tuple(
        (min(line[at].left for line in longest), max(line[at].right for line in longest))
        for at in range(width)
    )
    apart = all(a[1] < b[0] for a, b in pairwise(edges))
    return edges if apart else None


def _row(line: Sequence[Cell], edges: Sequence[tuple[float, float]]) -> list[str]:
    row = [""] * len(edges)
    for cell in line:
        text = " ".join(cell.text.split()) + "-" * cell.broken
        covered = [
            at for at, (low, high) in enumerate(edges) if cell.left < high and low < cell.right
        ]
        middle = (cell.left + cell.right) / 2
        first = min(covered or range(len(edges)), key=lambda at: abs(sum(edges[at]) / 2 - middle))
        if len(covered) > 1 and not row[covered[0]]:
            first = covered[0]
        row[first] = f"{row[first]} {text}".strip()
        for at in covered:
            if at != first and not row[at]:
                row[at] = Spanned(text)
    return row


def _is_sure(header: Header, body: Sequence[Sequence[str]]) -> bool:
    """Whether this is clearly a table: two columns or long names may be a form instead."""
    if max(map(len, header.names)) > _MAX_NAME:
        return False
    return len(header.names) > 2 or (
        len(body) >= _MIN_PAIRS and all(is_value(row[1]) for row in body)
    )


def _are_same(edges: Sequence[tuple[float, float]], before: Sequence[tuple[float, float]]) -> bool:
    return len(edges) == len(before) and all(
        one[0] < other[1] and other[0] < one[1] for one, other in zip(edges, before, strict=True)
    )
