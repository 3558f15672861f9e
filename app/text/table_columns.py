"""Rows of a table as cells under the names of their columns."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.text.passage_blocks import cells
from app.text.passage_sentences import is_header

Header = tuple[str, ...]
Row = tuple[int, tuple[str, ...]]
"""The index of a row, and its cells under the header."""

_PAIR: Final = re.compile(r"([^:;|\n]{1,60}): ([^\n]+)")


def columns(rows: Sequence[str]) -> Iterator[tuple[Header, list[Row]]]:
    """Tables in order: rows that have the same columns, and the names of these.

    Rows like `Name: value; Name: value` name their columns; among others the first may be the
    header, which is no row then. The header is empty where nothing names the columns.
    """
    at = 0
    while at < len(rows):
        if pairs(rows[at]):
            end = at + 1
            while end < len(rows) and _share_columns(rows[at], rows[end]):
                end += 1
            yield _of_pairs(rows, at, end)
        else:
            header, first = _header(rows, at)
            width = len(cells(rows[first]))
            end = first + 1
            while end < len(rows) and len(cells(rows[end])) == width and not pairs(rows[end]):
                end += 1
            some = [(index, cells(rows[index])) for index in range(first, end)]
            yield header, [row for row in some if row[1] != header]
        at = end


def pairs(row: str) -> tuple[tuple[str, str], ...]:
    """The names and values of a row that has both; what has no name belongs to the value before."""
    found: list[tuple[str, str]] = []
    for piece in row.split("; "):
        if (pair := _PAIR.fullmatch(piece)) is not None:
            found.append((pair[1], pair[2]))
        elif found:
            name, value = found[-1]
            found[-1] = (name, f"{value}; {piece}")
        else:
            return ()
    return tuple(found)


def _header(rows: Sequence[str], at: int) -> tuple[Header, int]:
    if at + 1 < len(rows) and is_header(rows[at], rows[at + 1]):
        return cells(rows[at]), at + 1
    return (), at


def _share_columns(one: str, other: str) -> bool:
    mine, theirs = {name for name, _ in pairs(one)}, {name for name, _ in pairs(other)}
    return bool(theirs) and 2 * len(mine & theirs) >= min(len(mine), len(theirs))


def _of_pairs(rows: Sequence[str], begin: int, end: int) -> tuple[Header, list[Row]]:
    """An empty cell is left out of its row, so the header is put together from all rows."""
    names: list[str] = []
    for row in rows[begin:end]:
        own = [name for name, _ in pairs(row)]
        for place, name in enumerate(own):
            if name not in names:
                following = (names.index(other) for other in own[place:] if other in names)
                names.insert(next(following, len(names)), name)
    return tuple(names), [(index, _under(names, rows[index])) for index in range(begin, end)]


def _under(names: Sequence[str], row: str) -> tuple[str, ...]:
    values: dict[str, str] = {}
    for name, value in pairs(row):
        values[name] = f"{values[name]}; {value}" if name in values else value
    return tuple(values.get(name, "") for name in names)
