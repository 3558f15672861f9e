"""The reading order of shapes on a slide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_CUTS: Final = 30  # nested regions
_TOUCHING: Final = 0.15  # share of the smaller extent by which neighbours may overlap
_HEADER: Final = 0.5  # of the height below: a row this low is a row of column headers


@dataclass(frozen=True, slots=True)
class Placed:
    """A positioned item, in any unit."""

    x: int
    y: int
    width: int
    height: int
    content: Any


def reading_order(placed: Sequence[Placed], depth: int = 0) -> list[Placed]:
    """Order from top to bottom, and from left to right where items stand side by side."""
    if len(placed) < 2 or depth > MAX_CUTS:
        return sorted(placed, key=lambda one: (one.y, one.x))
    rows = _bands(placed, lambda one: (one.y, one.y + one.height))
    columns = _bands(placed, lambda one: (one.x, one.x + one.width))
    if len(rows) > 1 and not (len(columns) > 1 and _are_headers(rows)):
        return [one for row in rows for one in reading_order(row, depth + 1)]
    if len(columns) > 1:
        return [one for column in columns for one in reading_order(column, depth + 1)]
    return sorted(placed, key=lambda one: (one.y, one.x))


def _are_headers(rows: Sequence[Sequence[Placed]]) -> bool:
    """Whether the first of two rows consists of headers, each above its own column."""
    if len(rows) != 2 or len(rows[0]) < 2 or len(rows[1]) < 2:
        return False
    above, below = (max(one.height for one in row) for row in rows)
    return above < _HEADER * below


def _bands(
    placed: Sequence[Placed], extent: Callable[[Placed], tuple[int, int]]
) -> list[list[Placed]]:
    """Groups that barely overlap along one axis, in order."""
    bands: list[list[Placed]] = []
    end = smallest = 0
    for one in sorted(placed, key=extent):
        begin, stop = extent(one)
        if bands and begin < end - _TOUCHING * min(smallest, stop - begin):
            bands[-1].append(one)
            end, smallest = max(end, stop), min(smallest, stop - begin)
        else:
            bands.append([one])
            end, smallest = stop, stop - begin
    return bands
