"""Detects table headers by how they differ from the rows below."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Final

MAX_DEPTH: Final = 5  # rows in one header
USUAL: Final = 0.5  # prior evidence in files whose first row usually is a header
_MAX_NAME: Final = 80  # characters; column names are rarely longer
_UNITS: Final = (
    r"kg|g|mg|t|lb|km|m|cm|mm|ha|m²|km²|m³|ml|l|h|min|s|ms|years?|days?|hours?"
    r"|[KMGT]i?B|GHz|MHz|kW|MW|W|V|°?C|°F|EUR|USD|GBP|CHF|SEK|NOK|DKK|JPY|mio\.?|million|billion"
)
_VALUE: Final = re.compile(
    r"(?:[A-Z]{3} )?[-+(~<>≤≥]?\W{0,3}\d[\d.,:'/ \u00a0\u202f-]*\W{0,3}\)?"
    rf"(?:%|[€$£¥]|[AaPp][Mm]|[Ee][+-]?\d+|(?:{_UNITS}))?"
)
_NOTHING: Final = frozenset(("-", "–", "—", "−", ".", "..", "…", "n/a", "N/A", "n.a.", "?"))
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
"""Labels common in forms, in English, German and French."""
_COLUMNS: Final = _LABELS | frozenset(
    """
    no. no # item type description comment comments remark remarks note notes value unit price
    quantity qty category class group code key term meaning definition parameter default option
    field format example feature function method module package file path command result state
    year month day week quarter time region area language job position team task responsible
    beschreibung bemerkung wert einheit preis menge typ art bezeichnung anzahl jahr monat zeit
    beispiel aufgabe zuständig rolle sprache
    description remarque valeur unité prix quantité type année mois jour heure exemple rôle
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""Further column names that are common in tables of text."""


class Spanned(str):
    """A merged cell's value in the other cells that it covers."""

    __slots__ = ()


class HeaderRow(list[str]):
    """A row that the file marks as a header: bold, or the first row of a defined table."""


class LabelledRow(list[str]):
    """A row whose first cell is marked as a row header."""


@dataclass(frozen=True, slots=True)
class Header:
    """A name per column, empty for none. A `certain` header is not also written as a row."""

    names: tuple[str, ...]
    certain: bool


def filled(row: Sequence[str]) -> int:
    """The number of non-empty cells, without the repeats of merged cells."""
    return sum(1 for cell in row if cell and not isinstance(cell, Spanned))


def is_value(cell: str) -> bool:
    """Whether this is a number, date, time or amount, which is data rather than a name."""
    return cell.startswith("=") or cell in ("yes", "no") or _VALUE.fullmatch(cell) is not None


def column(rows: Iterable[Sequence[str]], at: int) -> list[str]:
    """The non-blank cells of a column."""
    return [row[at] for row in rows if at < len(row) and row[at] and row[at] not in _NOTHING]


def is_label(cell: str) -> bool:
    """Whether this is a label common in forms."""
    return _is_called(cell, _LABELS)


def _is_called(cell: str, known: frozenset[str]) -> bool:
    words = cell.lower().rstrip(":").split()
    return len(words) <= 3 and any(word in known for word in words)


def is_form(rows: Sequence[Sequence[str]]) -> bool:
    """Whether these are label-value pairs rather than a two-column table."""
    if all(isinstance(row, LabelledRow) for row in rows):
        return all(len(row) < 3 for row in rows)
    pairs = [(row[0], row[1]) for row in rows if len(row) == 2 and row[0] and row[1]]
    if len(pairs) < 2 or len(pairs) < len(rows) - 1 or any(is_value(label) for label, _ in pairs):
        return False
    labels, values = [label for label, _ in pairs], [value for _, value in pairs]
    if len(set(labels)) < len(labels):
        return False
    if all(map(is_label, labels)) and not is_label(values[0]):
        return True
    if isinstance(rows[0], HeaderRow):
        return False
    with_colons = sum(label.endswith((":", "：")) for label in labels)
    known = sum(is_label(label) for label in labels[1:])
    mixed = len(pairs) > 2 and len({is_value(value) for value in values[1:]}) == 2
    coded = "@" in values[0] or any(map(str.isdecimal, values[0]))
    return 2 * with_colons > len(labels) or known >= 2 or (mixed and (coded or known > 0))


def find_header(
    rows: Sequence[Sequence[str]], *, prior: float, continues: bool = False
) -> tuple[Header | None, int]:
    """The header at the start of the rows and the number of rows it takes; (None, 0) for none.

    `prior` is the initial evidence for a header. With `continues`, the rows fit under the previous
    header, and a new one needs more evidence.
    """
    if not isinstance(rows[0], HeaderRow) and _are_pairs(rows[0]):
        return None, 0
    if depth := _depth(rows):
        return Header(_combined(rows[:depth]), certain=True), depth
    upper = rows[0]
    found = evidence(upper, [row for row in rows[1:] if row != upper], prior=prior)
    if found <= (0.9 if continues else 0.0):
        return None, 0
    certain = found >= 1 or len(set(filter(None, upper))) > 3
    return Header(tuple(upper), certain=certain), 1


def _are_pairs(row: Sequence[str]) -> bool:
    """Whether the cells contain both label and value: "Date: 3 May"."""
    own = [cell for cell in row if cell and not isinstance(cell, Spanned)]
    return 3 * sum(":" in cell or "：" in cell for cell in own) > len(own)


def evidence(names: Sequence[str], body: Sequence[Sequence[str]], *, prior: float = USUAL) -> float:
    """Score the row above `body` as a row of column names."""
    texts = [name for name in names if name and not isinstance(name, Spanned)]
    width = max((len(row) for row in (names, *body)), default=0)
    if len(texts) < 2 or 2 * sum(map(bool, names)) < width:
        return -1.0
    marked = isinstance(names, HeaderRow)
    found = prior + 2.0 * marked - 1.0 * isinstance(names, LabelledRow)
    start = found
    found -= len(texts) - len(set(texts))
    found -= sum(len(text) > _MAX_NAME for text in texts)
    ordered = _in_order([text for text in texts if is_value(text)])
    for at, name in enumerate(names):
        below = column(body, at)
        if not name or not below:
            continue
        if name in below:
            found -= 1.5
        elif not is_value(name):
            found += sum(map(is_value, below)) > 0.7 * len(below)
        elif not ordered:
            found -= 1.0
    named = sum(not is_value(text) for text in texts)
    if ordered and (named or not names[0]):
        found += 1.0
    elif not named:
        found -= 2.0
    if found == start and not marked:
        found += _evidence_of_texts(names, body)
    return found


def _evidence_of_texts(names: Sequence[str], body: Sequence[Sequence[str]]) -> float:
    """Evidence in text-only tables: common column names, or columns with repeated values."""
    if len(body) < 2 or isinstance(body[0], LabelledRow):
        return 0.0
    texts = [name for name in names if name]
    called = sum(_is_called(text, _COLUMNS) for text in texts)
    first_is_label = sum(_is_called(cell, _COLUMNS) for cell in column(body, 0))
    if first_is_label > 1:
        return 0.0
    repeated = 0
    for at, name in enumerate(names):
        below = Counter(column(body, at))
        repeated += bool(name) and len(below) > 1 and min(below.values()) > 1
    return min(0.4, 0.4 * (2 * called > len(texts)) + 0.2 * repeated)


def _in_order(values: Sequence[str]) -> bool:
    """Whether these are evenly increasing whole numbers: years, months, weeks."""
    if len(values) < 2 or not all(map(_YEAR_OR_ORDINAL.fullmatch, values)):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(values)}
    return len(steps) == 1 and steps.pop() > 0


def is_group_row(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row groups the columns that the second row names."""
    upper = rows[0]
    spread = any(isinstance(cell, Spanned) for cell in upper)
    return bool(
        len(rows) > 2 and spread and upper and not upper[0] and filled(rows[1]) > filled(upper)
    )


def _depth(rows: Sequence[Sequence[str]]) -> int:
    """The number of rows in a multi-row header; 0 if it is not one."""
    marked = len(list(takewhile(lambda row: isinstance(row, HeaderRow), rows)))
    if 1 < marked <= MAX_DEPTH and marked < len(rows) and _are_levels(rows[:marked]):
        return marked
    return 2 if _is_upper_half(rows) else 0


def _are_levels(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the marked rows are levels of one header: the lower ones are not mostly values."""
    below = [cell for row in rows[1:] for cell in row if cell and not isinstance(cell, Spanned)]
    values = [cell for cell in below if is_value(cell)]
    return filled(rows[-1]) > 1 and (
        not values or _in_order(values) or len(values) < len(below) / 2
    )


def _is_upper_half(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first two rows form one header: groups above names."""
    if len(rows) < 3 or len(rows[1]) < 2:
        return False
    upper, lower, body = rows[0], rows[1], rows[2:]
    groups = [cell for cell in upper if cell and not isinstance(cell, Spanned)]
    names = [cell for cell in lower if cell and not isinstance(cell, Spanned)]
    spread = any(isinstance(cell, Spanned) for cell in upper) or len(groups) < len(names)
    if upper == lower or not groups or not spread or len(groups) >= max(len(upper), len(lower)):
        return False
    figures = [name for name in names if is_value(name)]
    if figures and not _in_order(figures):
        return False
    columns = [column(body, at) for at in range(1, len(lower)) if at < len(lower) and lower[at]]
    typed = [sum(map(is_value, below)) > 0.7 * len(below) for below in columns if below]
    repeated = len(set(names)) < len(names)
    if repeated and any(isinstance(cell, Spanned) for cell in upper):
        return True
    return (
        bool(typed) and any(typed) and (repeated or evidence(lower, body) > 1 or filled(upper) > 1)
    )


def _combined(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The labels above each column, from outer group to name, without duplicates."""
    width = max(map(len, rows))
    levels = [*(_carried(row, width) for row in rows[:-1]), [*rows[-1], *[""] * width]]
    return tuple(
        " ".join(dict.fromkeys(filter(None, (level[at] for level in levels))))
        for at in range(width)
    )


def _carried(upper: Sequence[str], width: int) -> list[str]:
    """The group above each column: a group extends to the right until the next one.

    If the file marks merged cells, it extends over those only.
    """
    merged = any(isinstance(cell, Spanned) for cell in upper)
    carried, current = [], ""
    for at in range(width):
        cell = upper[at] if at < len(upper) else ""
        current = cell if merged else cell or current
        carried.append(current)
    return carried
