"""XLS (Excel 5 to 2003): each sheet is a heading, each row a line, as for XLSX."""

import io
from collections.abc import Iterator
from typing import Final

import xlrd
from xlrd.book import Book
from xlrd.sheet import Cell, Sheet

from app.ingest.loaders.compound_file import BROKEN, CompoundFile
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.number_formats import shown_number
from app.ingest.loaders.sheet_cells import MAX_CELLS, CellRange, Merges
from app.ingest.loaders.table_headers import HeaderRow
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import IngestError, ParsedDocument

_BROKEN: Final = (*BROKEN, xlrd.XLRDError, NotImplementedError, ArithmeticError)
_COMPOUND: Final = b"\xd0\xcf\x11\xe0"
_STREAMS: Final = ("Workbook", "Book")
_ARCHIVE: Final = b"PK"
_DAMAGED: Final = "the file is damaged (it is not a complete workbook)"
_DATE: Final = "yyyy-mm-dd"
_BOLD: Final = 700
_MAX_GAP: Final = 10  # longer runs of empty rows are cut to this length


def load_xls(data: bytes) -> ParsedDocument:
    """Title: the title property. Hidden sheets are counted but not read."""
    file = CompoundFile(data) if data.startswith(_COMPOUND) else None
    book = _opened(_stream(file) if file else data)
    out = ExtractedText()
    hidden = damaged = 0
    left = MAX_CELLS
    for number in range(book.nsheets):
        try:
            sheet = book.sheet_by_index(number)
        except _BROKEN as error:
            damaged += 1
            if damaged == book.nsheets:
                raise IngestError(_damaged(error)) from error
            continue
        if sheet.visibility:
            hidden += 1
        else:
            left -= sum(sheet.row_len(row) for row in range(sheet.nrows))
            if left < 0:
                raise IngestError(f"the workbook has more than {MAX_CELLS:,} cells")
            _add_sheet(out, book, sheet)
        book.unload_sheet(number)
    out.add_note("hidden_sheets", hidden, book.nsheets)
    out.add_note("damaged_sheets", damaged, book.nsheets)
    return out.document(file.title() if file else None)


def _stream(file: CompoundFile) -> bytes:
    """Extract the workbook stream ourselves: in a damaged container, xlrd can loop forever."""
    for name in _STREAMS:
        if (data := file.read(name)) is not None:
            return data
    raise IngestError(_DAMAGED)


def _opened(data: bytes) -> Book:
    """Open with formats, or without if they are damaged."""
    if data.startswith(_ARCHIVE):  # which xlrd would open
        raise IngestError(_DAMAGED)
    for formats in (True, False):
        try:
            return xlrd.open_workbook(
                file_contents=data,
                formatting_info=formats,
                on_demand=True,
                ragged_rows=True,
                logfile=io.StringIO(),
            )
        except _BROKEN as error:
            if not formats or "encrypted" in str(error).lower():
                raise IngestError(_damaged(error)) from error
    raise AssertionError


def _damaged(error: BaseException) -> str:
    if "encrypted" in str(error).lower():
        return "the Office file is encrypted; save it without a password"
    return _DAMAGED


def _add_sheet(out: ExtractedText, book: Book, sheet: Sheet) -> None:
    rows = list(_rows(book, sheet))
    while rows and not any(rows[0]):
        rows.pop(0)
    notes = sorted(sheet.cell_note_map.items())
    if rows or notes:
        out.add_heading(sheet.name, 2)
    add_table(out, rows)
    for (row, column), note in notes:
        if text := " ".join(note.text.split()):
            out.add_block(f"{xlrd.cellname(row, column)}: {text}")


def _rows(book: Book, sheet: Sheet) -> Iterator[list[str]]:
    merges = Merges(
        [
            CellRange(top + 1, left, bottom, right - 1)
            for top, bottom, left, right in sorted(sheet.merged_cells)
        ]
    )
    gap = 0
    for number in range(sheet.nrows):
        cells = [_shown(book, one) for one in sheet.row(number)]
        bold = [one for one, text in zip(sheet.row(number), cells, strict=True) if text]
        merges.fill(number + 1, cells)
        gap = 0 if any(cells) else gap + 1
        if gap <= _MAX_GAP:
            is_head = len(bold) > 1 and all(_is_bold(book, one) for one in bold)
            yield HeaderRow(cells) if is_head else cells


def _shown(book: Book, cell: Cell) -> str:
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return str(cell.value)
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            code = _code(book, cell.xf_index) or (_DATE if cell.ctype == xlrd.XL_CELL_DATE else "")
            return shown_number(cell.value, code or "General", since_1904=book.datemode == 1)
        case xlrd.XL_CELL_BOOLEAN:
            return "yes" if cell.value else "no"
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, ""))
        case _:
            return ""


def _code(book: Book, style: int | None) -> str | None:
    if style is None or style >= len(book.xf_list):
        return None
    found = book.format_map.get(book.xf_list[style].format_key)
    return found.format_str if found is not None else None


def _is_bold(book: Book, cell: Cell) -> bool:
    if cell.xf_index is None or cell.xf_index >= len(book.xf_list):
        return False
    font = book.xf_list[cell.xf_index].font_index
    return bool(font < len(book.font_list) and book.font_list[font].weight >= _BOLD)
