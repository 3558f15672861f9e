"""AsciiDoc tables. Cells may share a line or stand on lines of their own."""

import csv
import re
from collections.abc import Iterator
from typing import Final

from app.ingest.loaders.asciidoc_inline import Inline
from app.ingest.loaders.table_headers import Spanned

_CELL: Final = re.compile(
    r"(?<!\S)(?:(?P<times>[0-9]{1,3})\*|(?P<span>[0-9]{1,3})?(?:\.[0-9]{1,3})?\+)?"
    r"(?:[<^>](?:\.[<^>])?)?[aehlmdsv]?\||(?<!\\)[|!]"
)
_COLUMNS: Final = re.compile(r'cols\s{0,9}=\s{0,9}(?:"([^"]{0,2000})"|([\w*]{1,20}))')
_TIMES: Final = re.compile(r"\s*+([0-9]{1,3})\*")
_MAX_TIMES: Final = 200
_SEPARATORS: Final = {",": ",", ":": ":"}


def table_rows(
    lines: list[str], kind: str, style: str, inline: Inline
) -> tuple[list[list[str]], bool]:
    """The rows, and whether the file marks the first one as a header."""
    has_header = "header" in style or _has_first_line_alone(lines)
    if kind in _SEPARATORS:
        return [[inline.text(cell) for cell in row] for row in _records(lines, kind)], has_header
    cells: list[str] = []
    first_row = 0
    for line in lines:
        if not line.strip() or line.startswith("//"):
            continue
        before, found = _cells(line.strip(), kind)
        if before and cells:
            cells[-1] += f" {before}"
        cells += found
        first_row = first_row or len(found)
    width = _width(style) or first_row or 1
    shown = [_plain(cell, inline) for cell in cells]
    return [shown[at : at + width] for at in range(0, len(shown), width)], has_header


def _plain(cell: str, inline: Inline) -> str:
    text = " ".join(inline.text(cell).split())
    return Spanned(text) if isinstance(cell, Spanned) else text


def _has_first_line_alone(lines: list[str]) -> bool:
    """Whether the first row is a header: an empty line below it and none above."""
    return len(lines) > 2 and bool(lines[0].strip()) and not lines[1].strip()


def _records(lines: list[str], kind: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(lines, delimiter=_SEPARATORS[kind]) if row)
    except csv.Error:
        return


def _cells(line: str, kind: str) -> tuple[str, list[str]]:
    """The rest of the cell from the line above, and the cells that begin on this line."""
    marks = [one for one in _CELL.finditer(line) if one[0].endswith(kind)]
    if not marks:
        return line, []
    ends = [one.start() for one in marks[1:]] + [len(line)]
    cells: list[str] = []
    for mark, end in zip(marks, ends, strict=True):
        text = line[mark.end() : end].strip().replace(f"\\{kind}", kind)
        times = min(_MAX_TIMES, int(mark["times"] or 1))
        cells += [text] * times
        cells += [Spanned(text)] * (min(_MAX_TIMES, int(mark["span"] or 1)) - 1)
    return line[: marks[0].start()].strip(), cells


def _width(style: str) -> int:
    """The number of columns, if the table's attributes define it."""
    found = _COLUMNS.search(style)
    if found is None:
        return 0
    total = 0
    for part in (found[1] or found[2] or "").replace(";", ",").split(","):
        times = _TIMES.match(part)
        total += int(times[1]) if times else 1
    return min(total, _MAX_TIMES)
