"""XLSX: every sheet as a heading, every row as a line; values, not formulas."""

import io
import warnings
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from app.ingest.loaders.archives import BROKEN, Archive
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_CELLS: Final = 5_000_000
"""Looked at, empty ones included: a sheet may claim 17 thousand million of them."""


def load_xlsx(data: bytes) -> ParsedDocument:
    """Title: the one in the file's properties."""
    Archive(data).check_markup()
    out = ExtractedText()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not read anyway
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            title = book.properties.title
            left = MAX_CELLS
            for sheet in book.worksheets:
                if sheet.sheet_state == "visible":
                    sheet.reset_dimensions()  # claimed, and often the whole sheet
                    out.add_heading(sheet.title, 2, written=False)
                    counted = _Counted(left)
                    add_table(out, counted.rows(sheet.iter_rows(values_only=True)))
                    left = counted.left
            book.close()
    except (*BROKEN, InvalidFileException, KeyError, ValueError, TypeError, OSError) as error:
        raise IngestError("the file is damaged (it is no whole workbook)") from error
    return out.document(title)


class _Counted:
    """Rows as text, as long as there are not too many cells."""

    def __init__(self, left: int) -> None:
        self.left = left

    def rows(self, rows: Iterator[tuple[object, ...]]) -> Iterator[list[str]]:
        for row in rows:
            self.left -= len(row) + 1
            if self.left < 0:
                raise IngestError(f"the workbook has more than {MAX_CELLS:,} cells")
            yield [_shown(value) for value in row]


def _shown(value: object) -> str:
    """As a person would write it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return format(value, ".12g")
        case datetime():
            midnight = value.time() == time()
            return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)
