"""Computes what is asked of the rows of a table. Pure, and linear in the number of cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, Final

from app.graph.table_questions import Cell, Comparison, Condition, Table, TableQuestion

_COMPARE: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    "=": eq,
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
}


@dataclass(frozen=True, slots=True)
class Computed:
    """`value`: what is asked for, None without rows. `rows`: indices of the rows it is of.

    `groups`: value of the grouping column and what is asked for, the largest first.
    """

    value: float | str | None
    rows: tuple[int, ...]
    groups: tuple[tuple[Cell, float], ...] = ()


def compute(table: Table, asked: TableQuestion) -> Computed:
    """The answer; an empty cell meets no condition and is not computed with."""
    rows = [row for row in range(table.height) if _meets(table, row, asked.conditions)]
    value = _value(table, asked, rows)
    if asked.operation in ("highest", "lowest"):
        column = table.columns[asked.column or 0].values
        of = (row for row in rows if value is not None and column[row] == value)
        return Computed(value, tuple(of), _groups(table, asked, rows))
    return Computed(value, tuple(rows), _groups(table, asked, rows))


def _meets(table: Table, row: int, conditions: Sequence[Condition]) -> bool:
    """Values of one column are alternatives; everything else holds together."""
    wanted: dict[int, bool] = {}
    for one in conditions:
        cell = table.columns[one.column].values[row]
        meets = cell is not None and _COMPARE[one.comparison](cell, one.value)
        if one.comparison == "=":
            wanted[one.column] = wanted.get(one.column, False) or meets
        elif not meets:
            return False
    return all(wanted.values())


def _value(table: Table, asked: TableQuestion, rows: Sequence[int]) -> float | str | None:
    if asked.operation in ("count", "list") and asked.column is None:
        return float(len(rows))
    column = table.columns[asked.column or 0].values
    cells = [cell for row in rows if (cell := column[row]) is not None]
    if asked.operation in ("count", "list"):
        return float(len(set(cells)))
    if not cells:
        return None
    if asked.operation in ("highest", "lowest"):
        return max(cells) if asked.operation == "highest" else min(cells)
    total = sum(cell for cell in cells if isinstance(cell, float))
    return total / len(cells) if asked.operation == "average" else total


def _groups(
    table: Table, asked: TableQuestion, rows: Sequence[int]
) -> tuple[tuple[Cell, float], ...]:
    if asked.group_by is None:
        return ()
    by: dict[Cell, list[int]] = {}
    for row in rows:
        by.setdefault(table.columns[asked.group_by].values[row], []).append(row)
    values = [(group, _value(table, asked, some)) for group, some in by.items()]
    known = [(group, value) for group, value in values if isinstance(value, float)]
    return tuple(sorted(known, key=lambda one: (-one[1], str(one[0]))))
