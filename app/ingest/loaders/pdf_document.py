"""PDF: page text rebuilt into paragraphs, with form values, notes and links."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePath
from typing import Final

import pypdfium2

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import MAX_TEXT_LENGTH, TOO_LONG, ExtractedText
from app.ingest.loaders.pdf_annotations import Annotations, annotations, attached_files
from app.ingest.loaders.pdf_blocks import Piece, body_size, pieces
from app.ingest.loaders.pdf_furniture import PageLines, without_furniture
from app.ingest.loaders.pdf_hyphens import Vocabulary
from app.ingest.loaders.pdf_layout import Line, ordered_lines
from app.ingest.loaders.pdf_tables import Table, table_of
from app.ingest.loaders.pdf_text import page_text
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.titles import useful_title
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_PAGES: Final = 10_000
_LOCK: Final = threading.Lock()  # PDFium is not thread-safe
_PASSWORD: Final = 4
_NO_TEXT: Final = "the PDF has no text layer (scanned?); run text recognition (OCR) on it"
_NO_UNICODE: Final = (
    "the PDF's fonts do not say which characters they show; run text recognition (OCR) on it"
)
_TEXT_FILES: Final = frozenset((".txt", ".md", ".csv", ".tsv", ".log"))


@dataclass(slots=True)
class _Content:
    """What is read while the file is open."""

    pages: list[PageLines] = field(default_factory=list)
    annotations: list[Annotations] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    title: str = ""
    linked: set[str] = field(default_factory=set)
    damaged: int = 0  # pages
    unreadable: int = 0
    empty: int = 0
    length: int = 0


def load_pdf(data: bytes) -> ParsedDocument:
    """Title: the title property, else the largest heading of the first page."""
    with _LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if error.err_code == _PASSWORD:
                raise IngestError("the PDF is encrypted; save it without a password") from error
            raise IngestError("the PDF is damaged and cannot be opened") from error
        try:
            content = _read(document)
        finally:
            document.close()
    return _Composer(content).document()


def _read(document: pypdfium2.PdfDocument) -> _Content:
    try:
        document.init_forms()  # must precede opening any page
        count = len(document)
        title = document.get_metadata_value("Title")
    except pypdfium2.PdfiumError as error:
        raise IngestError("the PDF is damaged and cannot be opened") from error
    if count > MAX_PAGES:
        raise IngestError(f"the PDF has more than {MAX_PAGES:,} pages; divide it")
    content = _Content(title=title, files=list(attached_files(document)))
    for index in range(count):
        try:
            _read_page(document, index, content)
        except pypdfium2.PdfiumError:
            content.damaged += 1
            content.pages.append(PageLines([], 0.0, 0.0))
            content.annotations.append(Annotations())
    if count == content.damaged:
        raise IngestError("the PDF is damaged (no page can be read)")
    return content


def _read_page(document: pypdfium2.PdfDocument, index: int, content: _Content) -> None:
    """Raises `IngestError` when the document exceeds the limits of a source."""
    page = _page(document, index)
    try:
        text = page.get_textpage()
        try:
            read = page_text(page, text)
            extras = annotations(page, text, document, content.linked)
        finally:
            text.close()
    finally:
        page.close()
    lines = ordered_lines(read.cells, extras.fields)
    content.length += sum(len(line.text) for line in lines)
    if content.length > MAX_TEXT_LENGTH:
        raise IngestError(TOO_LONG)
    content.unreadable += read.unreadable
    content.empty += not lines and not read.unreadable
    content.pages.append(PageLines(lines, read.bottom, read.top))
    content.annotations.append(extras)


def _page(document: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
    """Open a page with the form detached: otherwise PDFium draws every field of the page.

    A list with a thousand choices would take a tenth of a second.
    """
    form, document.formenv = document.formenv, None
    try:
        return document[index]
    finally:
        document.formenv = form


class _Composer:
    """Writes the pages into one text."""

    def __init__(self, content: _Content) -> None:
        self._content = content
        self._out = ExtractedText()
        self._title = useful_title(content.title)
        self._table: Table | None = None  # table at the end of the previous page

    def document(self) -> ParsedDocument:
        content = self._content
        lines = [page.lines for page in content.pages]
        size = body_size(lines)
        vocabulary = Vocabulary(lines)
        kept = without_furniture(content.pages, size)
        for number, (some, extras) in enumerate(zip(kept, content.annotations, strict=True), 1):
            self._add_page(some, size, vocabulary, number)
            self._add_annotations(some, extras, number)
        unread = self._add_files()
        if not self._out.blocks:
            raise IngestError(_NO_UNICODE if content.unreadable else _NO_TEXT)
        total = len(content.pages)
        self._out.add_note("pages_without_text", content.empty, total)
        self._out.add_note("unreadable_pages", content.unreadable, total)
        self._out.add_note("damaged_pages", content.damaged, total)
        self._out.add_note("attachments", unread)
        return self._out.document(self._title, pages=total)

    def _add_page(
        self, lines: Sequence[Line], size: float, vocabulary: Vocabulary, number: int
    ) -> None:
        before, self._table = self._table, None
        for cells, group in groupby(
            pieces(lines, size, vocabulary), key=lambda one: one.cells != ()
        ):
            some = list(group)
            table = table_of([one.cells for one in some], before) if cells else None
            if table is None:
                self._add_pieces(some, number)
            else:
                add_table(self._out, table.rows, page=number, prior=0.0)
            before, self._table = None, table

    def _add_pieces(self, some: Sequence[Piece], number: int) -> None:
        for piece in some:
            first = number == 1 and not self._out.blocks
            if piece.level is None:
                if first and self._title is None and piece.is_large:
                    self._title = piece.text.partition("\n")[0]
                self._out.add_block(piece.text, piece.kind, page=number)
                continue
            if first and piece.level == 1 and self._title is None:
                self._title = piece.text
            named = not (first and piece.level == 1 and self._title == piece.text)
            self._out.add_heading(piece.text, piece.level, named=named, quoted=True, page=number)

    def _add_annotations(self, lines: Sequence[Line], extras: Annotations, number: int) -> None:
        for note in extras.notes:
            self._out.add_block(note, page=number)
        shown = "".join("".join(line.text.split()) for line in lines) if extras.links else ""
        for text, address in extras.links:
            known = address.partition("://")[2].rstrip("/") or address
            if known not in shown:
                self._out.add_block(f"{text}: {address}" if text else address, "item", page=number)
        for name, data in extras.files:
            self._content.files.append((name, data))

    def _add_files(self) -> int:
        """Add attached text files and name the others. Returns the number of the others."""
        unread = 0
        for name, data in dict.fromkeys(self._content.files):
            text = _file_text(name, data)
            unread += not text
            self._out.add_block(f"Attached file: {name or 'without a name'}\n{text}")
        return unread


def _file_text(name: str, data: bytes) -> str:
    if PurePath(name.lower()).suffix not in _TEXT_FILES:
        return ""
    try:
        return decode(data)
    except IngestError:
        return ""
