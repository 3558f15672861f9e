"""PDF: the text of each page, put back into paragraphs; what repeats on the pages is dropped."""

import ctypes
import threading
from typing import Final

import pypdfium2
from pypdfium2 import raw

from app.ingest.loaders.extracted_text import MAX_TEXT_LENGTH, TOO_LONG, ExtractedText
from app.ingest.loaders.pdf_layout import Line, body_size, pieces, without_furniture
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_PAGES: Final = 10_000
_LOCK: Final = threading.Lock()  # PDFium is not thread-safe
_PASSWORD: Final = 4
_LINE_ENDS: Final = frozenset((0x0A, 0x0D))
_HYPHENS: Final = frozenset((0x02, 0xFFFE))  # how PDFium writes the hyphen of a broken word
_USELESS_TITLES: Final = ("microsoft word", "microsoft powerpoint", "untitled", "layout 1")


def load_pdf(data: bytes) -> ParsedDocument:
    """Title: the one in the file's properties, else the largest heading of the first page."""
    with _LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if error.err_code == _PASSWORD:
                raise IngestError("the PDF is encrypted; save it without a password") from error
            raise IngestError("the PDF is damaged and cannot be opened") from error
        try:
            if len(document) > MAX_PAGES:
                raise IngestError(f"the PDF has more than {MAX_PAGES:,} pages; divide it")
            pages = _all_lines(document)
            named = document.get_metadata_value("Title")
        except pypdfium2.PdfiumError as error:
            raise IngestError("the PDF is damaged (a page cannot be read)") from error
        finally:
            document.close()
    if not any(line.text for page in pages for line in page):
        raise IngestError("the PDF has no text layer (scanned?); run text recognition (OCR) on it")
    return _composed(pages, _useful(named))


def _all_lines(document: pypdfium2.PdfDocument) -> list[list[Line]]:
    """Page by page, until it is too much for one source."""
    pages: list[list[Line]] = []
    length = 0
    for index in range(len(document)):
        lines = _lines(document, index)
        length += sum(len(line.text) for line in lines)
        if length > MAX_TEXT_LENGTH:
            raise IngestError(TOO_LONG)
        pages.append(lines)
    return pages


def _composed(pages: list[list[Line]], named: str | None) -> ParsedDocument:
    out = ExtractedText()
    size = body_size(pages)
    title = named
    for number, lines in enumerate(without_furniture(pages), start=1):
        for piece in pieces(lines, size):
            if piece.level is None:
                out.add_block(piece.text, piece.kind, page=number)
                continue
            is_title = number == 1 and piece.level == 1 and not out.blocks
            if is_title and title is None:
                title = piece.text
            named_here = not (is_title and title == piece.text)
            out.add_heading(piece.text, piece.level, named=named_here, page=number)
    if not out.blocks:  # nothing but headings: a poster, a title page
        out = ExtractedText()
        for number, lines in enumerate(pages, start=1):
            out.add_block("\n".join(line.text for line in lines), page=number)
    return out.document(title, pages=len(pages))


def _useful(title: str) -> str | None:
    """Many programs write the name of a template, or their own."""
    title = " ".join(title.split())
    useless = title.lower().startswith(_USELESS_TITLES) or "." in title[-5:] or len(title) < 3
    return None if useless else title


def _lines(document: pypdfium2.PdfDocument, index: int) -> list[Line]:
    """The lines of a page as PDFium orders them."""
    page = document[index]
    try:
        text = page.get_textpage()
        try:
            return _page_lines(text, text.count_chars())
        finally:
            text.close()
    finally:
        page.close()


def _page_lines(page: pypdfium2.PdfTextPage, length: int) -> list[Line]:
    codes = [raw.FPDFText_GetUnicode(page, at) for at in range(length)]
    lines: list[Line] = []
    begin = 0
    for end in [*(at for at, code in enumerate(codes) if code in _LINE_ENDS), length]:
        shown = [at for at in range(begin, end) if codes[at] > 0x20]
        if shown:
            lines.append(_line(page, codes[begin:end], shown))
        begin = end + 1
    return lines


def _line(page: pypdfium2.PdfTextPage, codes: list[int], shown: list[int]) -> Line:
    broken = codes[-1] in _HYPHENS or (len(codes) > 1 and codes[-2] in _HYPHENS)
    words = "".join(chr(code) for code in codes if code not in _HYPHENS and code < 0x110000)
    # Characters beyond the basic plane come as two halves.
    words = words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(page, shown[0], left, right, bottom, top)
    begin, base = left.value, bottom.value
    raw.FPDFText_GetCharBox(page, shown[-1], left, right, bottom, top)
    size = raw.FPDFText_GetFontSize(page, shown[len(shown) // 2])
    return Line(" ".join(words.split()), begin, right.value, base, float(size), broken)
