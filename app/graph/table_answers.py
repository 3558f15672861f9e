"""Answers that count, add up, compare or sort the rows of a table. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.encoding import counted
from app.domain.models import Passage
from app.graph.composed_text import Composed
from app.graph.table_computation import Computed, compute
from app.graph.table_questions import (
    Condition,
    Table,
    TableQuestion,
    may_compute,
    read_question,
    typed,
)
from app.text.markers import escape_markers, shown_name
from app.text.passage_blocks import passage_blocks
from app.text.table_columns import columns
from app.text.tokens import content_terms

_TOTALS: Final = content_terms("total totals sum subtotal gesamt summe zwischensumme")
"""First cells of rows that add up the others."""
MIN_ROWS: Final = 3
MAX_ROWS: Final = 50_000
SHOWN_ROWS: Final = 20
SHOWN_GROUPS: Final = 30
_OPERATIONS: Final = {
    "sum": "The total of {}",
    "average": "The average of {}",
    "highest": "The highest {}",
    "lowest": "The lowest {}",
}
_SIGNS: Final = {">": "over", ">=": "from", "<": "under", "<=": "to"}
_DATE_SIGNS: Final = {">": "after", ">=": "from", "<": "before", "<=": "to"}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A table with the texts of its rows and the passage of each."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    passages: tuple[Passage, ...]
    table: Table


def table_answer(question: str, passages: Sequence[Passage]) -> Composed | None:
    """What the question asks of the tables of one source; None when it asks nothing of them.

    `passages`: all of the source's, in order. Answered only if one table fits.
    """
    if not may_compute(question):
        return None
    fitting = [
        (stored, asked)
        for stored in _tables(passages)
        if (asked := read_question(question, stored.table)) is not None
    ]
    if len(fitting) > 1:  # the table whose rows are what is counted
        fitting = [one for one in fitting if one[1].operation != "count" or one[1].column is None]
    if len(fitting) != 1:
        return None
    [(stored, asked)] = fitting
    return _text(stored, asked, compute(stored.table, asked))


def _tables(passages: Sequence[Passage]) -> Iterator[_Stored]:
    """The tables of a source. One that goes on in the next passage under its heading is one."""
    by_heading: dict[str | None, list[tuple[str, Passage]]] = {}
    for passage in passages:
        for block in passage_blocks(passage):
            if block.kind == "row":
                row = (block.of(passage.text), passage)
                by_heading.setdefault(passage.heading, []).append(row)
    for heading, rows in by_heading.items():
        texts = [text for text, _ in rows]
        for header, found in columns(texts):
            if header and MIN_ROWS <= len(found) <= MAX_ROWS:
                yield _stored(header, found, [one for _, one in rows], heading)


def _stored(
    header: tuple[str, ...],
    found: Sequence[tuple[int, tuple[str, ...]]],
    passages: Sequence[Passage],
    heading: str | None,
) -> _Stored:
    found = [row for row in found if not content_terms(row[1][0]) & _TOTALS] or found
    rows = tuple(cells for _, cells in found)
    noun = content_terms(f"{heading or passages[0].title} {header[0]}")
    table = Table(
        tuple(typed(name, [row[i] for row in rows]) for i, name in enumerate(header)), noun
    )
    return _Stored(header, rows, tuple(passages[index] for index, _ in found), table)


def _text(stored: _Stored, asked: TableQuestion, computed: Computed) -> Composed:
    made = Composed([_headline(stored, asked, computed), *_left_out(stored, asked)])
    if computed.groups:
        made.lines += ["", *_groups(stored, asked, computed)]
    shown = computed.rows[:SHOWN_ROWS]
    if shown:
        made.lines += ["", _row(stored.header), f"|{'---|' * len(stored.header)}"]
        for row in shown:
            marker = made.cite(stored.passages[row])
            made.lines.append(f"{_row(stored.rows[row])[:-2]} {marker} |")
    if len(computed.rows) > len(shown):
        made.lines += ["", f"… {counted(len(computed.rows) - len(shown), 'more row')}."]
    return made


def _headline(stored: _Stored, asked: TableQuestion, computed: Computed) -> str:
    title = shown_name(stored.passages[0].title)
    of = f"{len(computed.rows):,} of {counted(stored.table.height, 'row')} in “{title}”"
    where = _conditions(stored.table, asked.conditions)
    if asked.operation in ("count", "list"):
        if asked.column is None:
            return f"**{len(computed.rows):,}**: {of}{where}."
        name = stored.header[asked.column]
        return f"**{_figure(computed.value)}** different values of {name}, in {of}{where}."
    name = stored.header[asked.column or 0]
    what = _OPERATIONS[asked.operation].format(name)
    if computed.value is None:
        return f"There is no {name} to compute with in {of}{where}."
    if asked.operation in ("highest", "lowest"):
        return f"{what} in “{title}”{where} is **{_figure(computed.value)}**."
    return f"{what} is **{_figure(computed.value)}**, computed from {of}{where}."


def _left_out(stored: _Stored, asked: TableQuestion) -> list[str]:
    """Says how many rows have no number, or no day, where one is needed."""
    needed = {one.column for one in asked.conditions if one.comparison != "="}
    if asked.column is not None:
        needed.add(asked.column)
    lines = []
    for column in sorted(needed):
        one = stored.table.columns[column]
        unread = [
            row[column]
            for row, value in zip(stored.rows, one.values, strict=True)
            if value is None and row[column].strip()
        ]
        if unread and one.type != "text":
            what = "number" if one.type == "number" else "day"
            rows = counted(len(unread), "row")
            example = _plain(unread[0])
            lines.append(f"Left out: {rows} whose {one.name} is no {what}, such as “{example}”.")
    return lines


def _conditions(table: Table, conditions: Sequence[Condition]) -> str:
    parts = []
    for column in dict.fromkeys(one.column for one in conditions):
        own = [one for one in conditions if one.column == column]
        equal = [_figure(one.value) for one in own if one.comparison == "="]
        signs = _DATE_SIGNS if table.columns[column].type == "date" else _SIGNS
        others = [
            f"{signs[one.comparison]} {_figure(one.value)}" for one in own if one.comparison != "="
        ]
        bounds = " ".join(others)
        said = f"{'is ' * bool(equal)}{' or '.join(equal)}{bounds}"
        parts.append(f"{table.columns[column].name} {said}")
    return f" where {' and '.join(parts)}" if parts else ""


def _groups(stored: _Stored, asked: TableQuestion, computed: Computed) -> list[str]:
    name = stored.header[asked.group_by or 0]
    what = "Rows" if asked.column is None else stored.header[asked.column]
    lines = [_row((name, what)), "|---|---|"]
    for value, number in computed.groups[:SHOWN_GROUPS]:
        lines.append(_row((str(value or "–"), _figure(number))))
    if len(computed.groups) > SHOWN_GROUPS:
        lines += ["", f"… {counted(len(computed.groups) - SHOWN_GROUPS, 'more group')}."]
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(cell: str) -> str:
    """One line, whose bars and bracketed numbers are text."""
    return escape_markers(" ".join(cell.split())).replace("|", "\\|")


def _figure(value: float | str | None) -> str:
    if not isinstance(value, float | int):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{round(value, 2):,}"
