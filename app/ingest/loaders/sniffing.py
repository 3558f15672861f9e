"""Detects file formats by content, for missing or wrong file extensions."""

import io
import re
import zipfile
from typing import Final

from app.ingest.loaders.archives import BROKEN
from app.ingest.loaders.srt_transcript import is_srt
from app.ingest.parsed_document import IngestError

_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_WORKBOOKS: Final = (
    *(b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"),
    *(b"\x09\x08\x08\x00", b"\x09\x08\x10\x00"),
)
"""Signatures of Excel 2 to 5 files, which are not compound files."""
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_BLANKS: Final = re.compile(r"\s*")
_JSON: Final = re.compile(r"[\[{]\s*[\"{\[]")
_HEAD: Final = 4096
_PARTS: Final = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}


def binary_format(data: bytes) -> str | None:
    """`pdf`, `rtf`, `docx`, `doc`, `msg`, `zip` and so on; None for other files.

    Raises `IngestError` for recognised but unsupported formats.
    """
    if _is_pdf(data):
        return "pdf"
    if data[:64].lstrip().startswith(b"{\\rtf"):
        return "rtf"
    if data.startswith(_COMPOUND):
        from app.ingest.loaders.compound_file import compound_format

        return compound_format(data)
    if data.startswith(_OLD_WORKBOOKS):
        return "xls"
    if data.startswith(b"PK\x03\x04"):
        return _archive_format(data)
    return None


def _is_pdf(data: bytes) -> bool:
    """PDF readers accept leading bytes. Text about PDF, or a ZIP with a PDF in it, is no PDF."""
    if data.startswith(b"%PDF-"):
        return True
    if data.startswith(b"PK\x03\x04"):
        return False
    at = data[:1024].find(b"%PDF-")
    return at >= 0 and b"endobj" in data[at:] and (at == 0 or data[at - 1 : at] in b"\r\n\0 \xbf")


def text_format(data: bytes) -> str | None:
    """`vtt`, `srt`, `html`, `xml` or `json`; None for any other text."""
    head = data[:_HEAD].decode("utf-8-sig", "replace").lstrip()
    if head.startswith("WEBVTT"):
        return "vtt"
    if is_srt(head):
        return "srt"
    if _HTML.match(_without_prolog(head)):
        return "html"
    if head.startswith("<?xml") and "?>" in head:
        return "xml"
    return "json" if _JSON.match(head) else None


def _without_prolog(head: str) -> str:
    """Markup from its first tag, after the XML declaration and comments."""
    at = _past(head, "?>", 0) if head.startswith("<?xml") else 0
    while head.startswith("<!--", at):
        at = _past(head, "-->", at + 4)
    return head[at:]


def _past(text: str, closing: str, at: int) -> int:
    """The position after `closing` and the white space that follows."""
    end = text.find(closing, at)
    if end < 0:
        return len(text)
    blanks = _BLANKS.match(text, end + len(closing))
    return blanks.end() if blanks else end + len(closing)


def _archive_format(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "META-INF/container.xml" in names:
                return "epub"
            if "content.xml" in names and "mimetype" in names:
                return "odt"
            formats = {
                known for name in names for start, known in _PARTS.items() if name.startswith(start)
            }
            return formats.pop() if len(formats) == 1 and "[Content_Types].xml" in names else "zip"
    except (*BROKEN, ValueError, OSError) as error:
        raise IngestError("the file is damaged (its ZIP archive cannot be opened)") from error
