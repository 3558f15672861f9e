"""Worksheet cells as text: values as displayed, merged cells filled in."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from app.ingest.loaders.archives import check_xml
from app.ingest.loaders.number_formats import code_of, shown_number
from app.ingest.loaders.open_xml import Element, Package, attribute, child, children, kind
from app.ingest.loaders.table_headers import HeaderRow, Spanned
from app.ingest.parsed_document import IngestError

MAX_CELLS: Final = 5_000_000
"""Cells examined, empty ones included: a sheet can claim 17 billion of them."""
_MAX_COLUMNS: Final = 16_384
_MAX_MERGED: Final = 100_000
_MAX_GAP: Final = 10  # longer runs of empty rows are cut to this length
_REFERENCE: Final = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_MERGED: Final = re.compile(
    rb'<(?:\w{1,20}:)?mergeCell\s[^<>]*?ref="([A-Z0-9$]{1,20}):([A-Z0-9$]{1,20})"'
)


@dataclass(frozen=True, slots=True)
class Styles:
    """Cell styles: the number format code, and whether the cell is bold."""

    codes: tuple[str, ...] = ()
    bold: frozenset[int] = frozenset()

    def code(self, style: int) -> str:
        """`General` for unknown styles."""
        return self.codes[style] if 0 <= style < len(self.codes) else "General"


@dataclass(slots=True)
class Book:
    """State shared by all sheets; `left` is how many more cells may be examined."""

    strings: list[str]
    styles: Styles
    since_1904: bool
    left: int = MAX_CELLS
    without_values: int = 0  # formulas without a stored result


@dataclass(frozen=True, slots=True)
class CellRange:
    """A merged range. Rows count from 1, columns from 0."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Merges:
    """Merged ranges, applied row by row."""

    ranges: list[CellRange]
    shown: dict[CellRange, str] = field(default_factory=dict)
    waiting: int = 0

    def fill(self, number: int, cells: list[str]) -> None:
        """Repeat the value downwards; mark the cells to its right as spanned."""
        while self.waiting < len(self.ranges) and self.ranges[self.waiting].top <= number:
            one = self.ranges[self.waiting]
            self.waiting += 1
            self.shown[one] = ""
        for one in [one for one in self.shown if one.bottom < number]:
            del self.shown[one]
        for one, known in self.shown.items():
            if number == one.top:
                known = cells[one.left] if one.left < len(cells) else ""
                self.shown[one] = known
            if not known:
                continue
            cells.extend([""] * (one.right + 1 - len(cells)))
            for column in range(one.left, one.right + 1):
                if column > one.left:
                    cells[column] = Spanned(known)
                elif number > one.top:
                    cells[column] = known


def read_strings(package: Package, name: str) -> list[str]:
    """The shared strings, without phonetic readings of Japanese text."""
    tree = package.optional(name)
    return [] if tree is None else [_text(item) for item in tree if kind(item) == "s:si"]


def read_styles(package: Package, name: str) -> Styles:
    """Damaged or missing styles fall back to plain cells."""
    tree = package.optional(name)
    if tree is None:
        return Styles()
    codes = _children(tree, "s:numFmts")
    own = {_whole(one.get("numFmtId"), 0): one.get("formatCode") or "" for one in codes}
    bold = [_is_bold(font) for font in _children(tree, "s:fonts")]
    cells = _children(tree, "s:cellXfs")
    return Styles(
        tuple(code_of(_whole(one.get("numFmtId"), 0), own) for one in cells),
        frozenset(
            at
            for at, one in enumerate(cells)
            if (font := _whole(one.get("fontId"), -1)) in range(len(bold)) and bold[font]
        ),
    )


def _children(tree: Element, name: str) -> list[Element]:
    found = child(tree, name)
    return [] if found is None else list(found)


def _is_bold(font: Element) -> bool:
    mark = child(font, "s:b")
    return mark is not None and (mark.get("val") or "1") not in ("0", "false")


def read_rows(data: bytes, book: Book, heads: frozenset[int]) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows in order. A gap in the numbering yields an empty row.

    `heads` are the rows that begin tables.
    """
    check_xml(data)
    merges = Merges(_merged(data))
    last = 0
    for number, cells, bold in _rows(data, book):
        number = number or last + 1
        if number > last + 1:
            for gap in range(last + 1, min(number, last + 1 + _MAX_GAP)):
                covered: list[str] = []
                merges.fill(gap, covered)
                yield gap, covered
        last = number
        merges.fill(number, cells)
        yield number, HeaderRow(cells) if bold or number in heads else cells


def _rows(data: bytes, book: Book) -> Iterator[tuple[int, list[str], bool]]:
    try:
        walk = etree.iterparse(
            io.BytesIO(data), events=("end",), tag="{*}row", resolve_entities=False, no_network=True
        )
        for _, row in walk:
            yield _whole(row.get("r"), 0), *_cells(row, book)
            row.clear()
            while row.getprevious() is not None:
                del row.getparent()[0]
    except etree.LxmlError as error:
        raise IngestError("the file is damaged (it is not a complete workbook)") from error


def _cells(row: Element, book: Book) -> tuple[list[str], bool]:
    cells: list[str] = []
    filled = bold = 0
    for one in row:
        at = _column(one.get("r"), len(cells))
        book.left -= 1 + max(0, at - len(cells))
        if book.left < 0:
            raise IngestError(f"the workbook has more than {MAX_CELLS:,} cells")
        cells.extend([""] * (at - len(cells)))
        style = _whole(one.get("s"), 0)
        text = _shown(one, style, book)
        if at < len(cells):
            cells[at] = text
        else:
            cells.append(text)
        if text:
            filled += 1
            bold += style in book.styles.bold
    return cells, filled > 1 and bold == filled


def _shown(cell: Element, style: int, book: Book) -> str:
    """The displayed value; for a formula without a stored result, the formula."""
    parts = {kind(part): part for part in cell}
    if "s:is" in parts:
        return _text(parts["s:is"])
    type_ = cell.get("t") or "n"
    value = parts["s:v"].text if "s:v" in parts else None
    if value:
        return _shown_value(str(value), type_, style, book)
    formula = parts["s:f"].text if "s:f" in parts else None
    if not formula or type_ == "str":
        return ""
    book.without_values += 1
    return f"={formula}"


def _shown_value(value: str, type_: str, style: int, book: Book) -> str:
    match type_:
        case "s":
            index = _whole(value, -1)
            return book.strings[index] if 0 <= index < len(book.strings) else ""
        case "b":
            return "yes" if value.strip() in ("1", "true") else "no"
        case "d":
            return value.strip().removesuffix("T00:00:00").replace("T", " ")
        case "n":
            try:
                code = book.styles.code(style)
                return shown_number(float(value), code, since_1904=book.since_1904)
            except (ValueError, OverflowError):
                return value
        case _:  # text, or an error name
            return value


def _text(item: Element) -> str:
    words: list[str] = []
    for part in children(item):
        name = kind(part)
        if name == "s:t":
            words.append(part.text or "")
        elif name == "s:r":
            words += [one.text or "" for one in part if kind(one) == "s:t"]
    return "".join(words)


def cell_place(reference: str) -> tuple[int, int]:
    """Row (from 1) and column (from 0) of a reference such as B2; (0, 0) if invalid."""
    match = _REFERENCE.fullmatch(reference)
    return (int(match[2]), _column(reference, 0)) if match else (0, 0)


def _column(reference: str | None, otherwise: int) -> int:
    match = _REFERENCE.fullmatch(reference or "")
    if match is None:
        return otherwise
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return min(number, _MAX_COLUMNS) - 1


def _merged(data: bytes) -> list[CellRange]:
    """Merged ranges in row order, without single cells and unbounded columns."""
    ranges: list[CellRange] = []
    begin = max(0, data.rfind(b"</sheetData>"), data.rfind(b":sheetData>"))
    for found in _MERGED.finditer(data, begin):
        corners = [_REFERENCE.fullmatch(corner.decode()) for corner in found.groups()]
        if corners[0] is None or corners[1] is None or len(ranges) >= _MAX_MERGED:
            continue
        top, bottom = int(corners[0][2]), int(corners[1][2])
        left, right = _column(corners[0][0], 0), _column(corners[1][0], 0)
        if top <= bottom and left <= right and right - left < 500:
            ranges.append(CellRange(top, left, bottom, right))
    return sorted(ranges, key=lambda one: one.top)


def table_heads(package: Package, sheet: str) -> frozenset[int]:
    """The first rows of the ranges that the file defines as tables."""
    heads = set[int]()
    for name in package.related(sheet, "table"):
        table = package.optional(name)
        if table is not None and (table.get("headerRowCount") or "1") != "0":
            match = _REFERENCE.match(table.get("ref") or "")
            heads |= {int(match[2])} if match else set()
    return frozenset(heads)


def sheets_of(workbook: Element) -> Iterator[tuple[str, str, bool]]:
    """Name, relationship id and visibility of each sheet."""
    for one in _children(workbook, "s:sheets"):
        relation = attribute(one, "r:id") or ""
        yield one.get("name") or "", relation, (one.get("state") or "visible") == "visible"


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else otherwise
