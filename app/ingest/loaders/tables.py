"""Rows of a table as lines that stand for themselves: "Column: value; Column: value".

A sheet may hold several tables, titles between them, and forms of labels and values. What is a
header is decided by evidence: how it differs from what is below it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise
from typing import TYPE_CHECKING, Final

from app.ingest.loaders.extracted_text import ExtractedText

if TYPE_CHECKING:
    from app.ingest.parsed_document import BlockKind

MAX_LINE_LENGTH: Final = 500  # characters; a wider row goes on in lines that repeat its first cell
MAX_NAMES: Final = 1_000_000  # characters of column names that are repeated in the rows
_LOOKED_AT: Final = 50  # rows by which a table is understood
_MAX_NAME: Final = 80  # characters that a column's name hardly exceeds
_VALUE: Final = re.compile(
    r"[-+(]?\W{0,3}\d[\d.,:'/ \u00a0\u202f-]*\W{0,3}\)?(?:[%€$£¥]|[AaPp][Mm]|[Ee][+-]?\d+)?"
)
_YEAR_OR_ORDINAL: Final = re.compile(r"\d{1,4}")
_LABELS: Final = frozenset(
    """
    name address street city town country phone telephone mobile fax email e-mail date total
    subtotal amount version author title customer client company status id number invoice
    reference subject project owner sponsor leader budget contact role location site deadline
    period approved start end website url vat tax currency department manager
    datum anschrift straße ort land telefon summe betrag kunde firma titel autor nummer
    rechnung projekt betreff nom adresse ville pays téléphone montant titre auteur
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""What forms are filled in by, in English, German and French."""


class Spanned(str):
    """What a merged cell says of the cells that it covers beside its first."""

    __slots__ = ()


class HeaderRow(list[str]):
    """A row that the file sets apart: bold, or the head of what it calls a table."""


@dataclass(frozen=True, slots=True)
class _Header:
    names: tuple[str, ...]
    certain: bool


def add_table(out: ExtractedText, rows: Iterable[Sequence[str]]) -> None:
    """One line per row under its header, "label: value" in forms, "a | b" without either.

    Lines above a header (a title, a date) become paragraphs. Empty rows are left out; what follows
    them goes on with the header above unless it has its own.
    """
    writer = _Writer(out)
    for filled, block in groupby(map(_trimmed, rows), key=any):
        if filled:
            writer.add(block)
    writer.end()


class _Writer:
    """Writes block after block of rows, which empty rows set apart."""

    def __init__(self, out: ExtractedText) -> None:
        self._out = out
        self._header: _Header | None = None
        self._cells: Counter[int] = Counter()  # of each column, those that are filled
        self._values: Counter[int] = Counter()  # and those that are numbers or dates
        self._repeated = 0

    def add(self, rows: Iterator[list[str]]) -> None:
        first = list(islice(rows, _LOOKED_AT))
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
        """Name the columns in which no row had a value."""
        if self._header is not None and self._cells:
            empty = [
                name for at, name in enumerate(self._header.names) if name and not self._cells[at]
            ]
            self._out.add_block("; ".join(f"{name}:" for name in empty), "row")
        self._header = None
        self._cells.clear()
        self._values.clear()

    def _add_table(self, first: list[list[str]], rest: Iterator[list[str]]) -> None:
        width = max(map(_filled, first))
        while len(first) > 1 and width > 1 and _filled(first[0]) == 1:
            self.end()
            self._out.add_block(next(filter(None, first.pop(0))))
        if width < 2 and self._header is None:
            kind: BlockKind = "paragraph" if len(first) == 1 else "row"
            for row in chain(first, rest):
                self._out.add_block(" ".join(filter(None, row)), kind)
            return
        if _is_form(first):
            self._add_form(chain(first, rest))
            return
        header, used = _header_of(first, continues=self._continues(first))
        if header is not None:
            self.end()
            self._header = header
            if not header.certain or used == len(first):
                self._out.add_block(" | ".join(filter(None, header.names)), "row")
        elif not self._continues(first):
            self.end()
        for row in chain(first[used:], rest):
            self._add_row(row)

    def _add_form(self, rows: Iterable[Sequence[str]]) -> None:
        self.end()
        for row in rows:
            self._out.add_block(_labelled(row), "row")

    def _continues(self, first: Sequence[Sequence[str]]) -> bool:
        """Whether the rows fit under the header above: no wider, and figures below figures."""
        if self._header is None or max(map(len, first)) > len(self._header.names):
            return False
        figures = [at for at, count in self._values.items() if count > 0.7 * self._cells[at]]
        below = [_column(first, at) for at in figures]
        return all(sum(map(_is_value, cells)) > 0.5 * len(cells) for cells in below if cells)

    def _add_row(self, row: Sequence[str]) -> None:
        # A cell over the whole row is a title of what follows; over some columns it is in each.
        alone = _filled(row) == 1
        own = ["" if alone and isinstance(cell, Spanned) else str(cell) for cell in row]
        names = self._header.names if self._header else ()
        for at, cell in enumerate(own):
            if cell:
                self._cells[at] += 1
                self._values[at] += _is_value(cell)
        if self._header is None or (_filled(own) == 1 and own[0] and len(names) > 2):
            self._out.add_block(" | ".join(own).strip(" |"), "row")
            return
        if self._repeated > MAX_NAMES:  # thousands of columns: names would be most of the text
            names = ("",) * len(names)
        self._repeated += sum(map(len, names))
        for line in _lines(names, own):
            self._out.add_block(line, "row")


def _trimmed(row: Sequence[str]) -> list[str]:
    """Cells without white space around, rows without empty ones at their end."""
    cells = [type(cell)(" ".join(cell.split())) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return HeaderRow(cells) if isinstance(row, HeaderRow) else cells


def _filled(row: Sequence[str]) -> int:
    """Cells with something of their own."""
    return sum(1 for cell in row if cell and not isinstance(cell, Spanned))


def _column(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    return [row[at] for row in rows if at < len(row) and row[at]]


def _is_value(cell: str) -> bool:
    """A number, a date, a time, an amount: what stands below names rather than being one."""
    return cell.startswith("=") or cell in ("yes", "no") or _VALUE.fullmatch(cell) is not None


def _is_form(rows: Sequence[Sequence[str]]) -> bool:
    """Whether these are labels with a value beside each, rather than a table of two columns."""
    pairs = [(row[0], row[1]) for row in rows if len(row) == 2 and row[0] and row[1]]
    if len(pairs) < 2 or len(pairs) < len(rows) - 1 or any(_is_value(label) for label, _ in pairs):
        return False
    if isinstance(rows[0], HeaderRow):
        return False
    labels, values = [label for label, _ in pairs], [value for _, value in pairs]
    if len(set(labels)) < len(labels):
        return False
    with_colons = sum(label.endswith((":", "：")) for label in labels)
    known = sum(_is_label(label) for label in labels[1:])
    mixed = len(pairs) > 2 and len({_is_value(value) for value in values[1:]}) == 2
    coded = "@" in values[0] or any(map(str.isdecimal, values[0]))
    return 2 * with_colons > len(labels) or known >= 2 or (mixed and (coded or known > 0))


def _is_label(cell: str) -> bool:
    words = cell.lower().rstrip(":").split()
    return len(words) <= 3 and any(word in _LABELS for word in words)


def _labelled(row: Sequence[str]) -> str:
    label, *values = [cell for cell in row if cell and not isinstance(cell, Spanned)]
    return f"{label.rstrip(':：').rstrip()}: {' | '.join(values)}" if values else label


def _header_of(rows: Sequence[Sequence[str]], *, continues: bool) -> tuple[_Header | None, int]:
    """The header that the rows begin with, and how many rows it takes; none: (None, 0)."""
    upper = rows[0]
    if _is_upper_half(rows):
        lower = rows[1]
        width = max(len(upper), len(lower))
        above = _carried(upper, width)
        names = tuple(
            " ".join(dict.fromkeys(filter(None, (over, under))))
            for over, under in zip(above, [*lower, *[""] * width], strict=False)
        )
        return _Header(names, certain=True), 2
    evidence = _evidence(upper, rows[1:])
    needed = 0.9 if continues else 0.0
    if evidence <= needed:
        return None, 0
    certain = evidence >= 1 or len(set(filter(None, upper))) > 3
    return _Header(tuple(upper), certain=certain), 1


def _evidence(names: Sequence[str], body: Sequence[Sequence[str]]) -> float:
    """How much speaks for a row of names above the body; a table without any is unusual."""
    texts = [name for name in names if name]
    width = max((len(row) for row in (names, *body)), default=0)
    if len(texts) < 2 or 2 * len(texts) < width:
        return -1.0
    evidence = 0.5 + 2.0 * isinstance(names, HeaderRow)
    evidence -= len(texts) - len(set(texts))
    evidence -= sum(len(text) > _MAX_NAME for text in texts)
    ordered = _in_order([text for text in texts if _is_value(text)])
    for at, name in enumerate(names):
        below = _column(body, at)
        if not name or not below:
            continue
        values = sum(map(_is_value, below)) / len(below)
        if name in below:
            evidence -= 1.5
        elif not _is_value(name):
            evidence += values > 0.7
        elif not ordered:
            evidence -= 1.0
    named = sum(not _is_value(text) for text in texts)
    if ordered and (named or not names[0]):
        evidence += 1.0
    elif not named:
        evidence -= 2.0
    return evidence


def _in_order(values: Sequence[str]) -> bool:
    """Years, months, weeks: whole numbers that rise evenly."""
    if len(values) < 2 or not all(map(_YEAR_OR_ORDINAL.fullmatch, values)):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(values)}
    return len(steps) == 1 and steps.pop() > 0


def _is_upper_half(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first two rows are one header: groups above, names below."""
    if len(rows) < 3 or len(rows[1]) < 2:
        return False
    upper, lower, body = rows[0], rows[1], rows[2:]
    groups = [cell for cell in upper if cell and not isinstance(cell, Spanned)]
    names = [cell for cell in lower if cell]
    spread = any(isinstance(cell, Spanned) for cell in upper) or len(groups) < len(names)
    if not groups or not spread or len(groups) >= max(len(upper), len(lower)):
        return False
    figures = [name for name in names if _is_value(name)]
    if figures and not _in_order(figures):
        return False
    columns = [_column(body, at) for at in range(1, len(lower)) if at < len(lower) and lower[at]]
    typed = [sum(map(_is_value, below)) > 0.7 * len(below) for below in columns if below]
    repeated = len(set(names)) < len(names)
    if repeated and any(isinstance(cell, Spanned) for cell in upper):
        return True
    return (
        bool(typed)
        and any(typed)
        and (repeated or _evidence(lower, body) > 1 or _filled(upper) > 1)
    )


def _carried(upper: Sequence[str], width: int) -> list[str]:
    """The groups over each column: one goes on to the right until the next."""
    carried, current = [], ""
    for at in range(width):
        cell = upper[at] if at < len(upper) else ""
        current = cell or current
        carried.append(current)
    return carried


def _side_by_side(rows: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Tables that stand beside each other with an empty column between; [] for a single one."""
    width = max(map(len, rows))
    used = [any(at < len(row) and row[at] for row in rows) for at in range(width)]
    groups = [
        (cells[0], cells[-1] + 1)
        for filled, columns in groupby(range(width), key=used.__getitem__)
        if filled and (cells := list(columns))
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
    titles = sum(1 for row in part[:2] if _filled(row) == 1)
    return _evidence(part[titles % len(part)], part[titles + 1 :]) > 0


def _are_forms(parts: Sequence[Sequence[Sequence[str]]]) -> bool:
    """Pairs beside pairs: one of them clearly labels with values, none with a header of its own."""
    rows = [row for part in parts for row in part]
    if any(len(row) > 2 or isinstance(row, HeaderRow) for row in rows):
        return False
    if any(_is_value(row[0]) for row in rows):
        return False
    if sum(_is_label(row[0]) for row in rows) > 1:
        return True
    kinds = [{_is_value(row[1]) for row in part if len(row) > 1} for part in parts]
    mixed = any(
        len(one) == 2 and not _is_value(part[0][-1]) for one, part in zip(kinds, parts, strict=True)
    )
    headed = any(
        not _is_value(part[0][-1]) and all(_is_value(row[-1]) for row in part[1:]) for part in parts
    )
    return any(map(_is_form, parts)) or (mixed and not headed)


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
