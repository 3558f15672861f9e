"""EPUB: chapters in reading order, each read as an HTML page."""

import posixpath
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.ingest.loaders.archives import Archive
from app.ingest.loaders.extracted_text import ONLY_PICTURES, ExtractedText
from app.ingest.loaders.html_page import HtmlExtractor, decode_html, parse_html
from app.ingest.parsed_document import IngestError, ParsedDocument

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_ANY: Final = "{*}"
_PAGES: Final = (
    *("application/xhtml+xml", "text/html", "image/svg+xml", "text/x-oeb1-document"),
    "application/x-dtbook+xml",
)
_ENDINGS: Final = (".xhtml", ".html", ".htm", ".svg")
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg")
_OBFUSCATED_FONTS: Final = ("idpf.org/2008/embedding", "ns.adobe.com/pdf/enc")


def load_epub(data: bytes) -> ParsedDocument:
    """Title: from the package metadata."""
    archive = Archive(data)
    if _CONTAINER not in archive.names:
        raise IngestError("this is not an EPUB (it has no table of contents)")
    _refuse_locked(archive)
    rootfile = _xml(archive, _CONTAINER).find(f".//{_ANY}rootfile")
    path = rootfile.get("full-path", "") if rootfile is not None else ""
    if path not in archive.names:
        raise IngestError("the file is damaged (its description is missing)")
    package = _xml(archive, path)
    title = package.findtext(f"{_ANY}metadata/{_ANY}title") or package.findtext(
        f".//{_ANY}dc-metadata/{_ANY}Title"
    )
    out = ExtractedText()
    chapters = list(dict.fromkeys(_chapters(package, path)))
    unreadable = sum(not _add_chapter(out, archive, name) for name in chapters)
    if chapters and unreadable == len(chapters):
        raise IngestError("the book is damaged (none of its chapters can be read)")
    out.add_note("unreadable_chapters", unreadable, len(chapters))
    if not out.has_text and any(name.lower().endswith(_PICTURES) for name in archive.names):
        raise IngestError(ONLY_PICTURES)
    return out.document(title)


def _add_chapter(out: ExtractedText, archive: Archive, name: str) -> bool:
    """Add a chapter. Returns False if it cannot be read; the other chapters are kept."""
    try:
        content = archive.read(name)
        if content.strip():
            HtmlExtractor(out, None, book=True).page(parse_html(decode_html(content)))
    except IngestError:
        if out.is_full:
            raise
        return False
    return True


def _refuse_locked(archive: Archive) -> None:
    if _ENCRYPTION not in archive.names:
        return
    methods = _xml(archive, _ENCRYPTION).iterfind(f".//{_ANY}EncryptionMethod")
    locked = (m.get("Algorithm", "") for m in methods)
    if any(not any(known in one for known in _OBFUSCATED_FONTS) for one in locked):
        raise IngestError("the book is encrypted (copy protection)")


def _xml(archive: Archive, name: str) -> Element:
    try:
        tree: Element = fromstring(archive.read(name))
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise IngestError("the file is damaged (its description cannot be read)") from error
    return tree


def _chapters(package: Element, path: str) -> Iterator[str]:
    """Entry names in reading order, or in manifest order if the book defines none."""
    items = {item.get("id"): item for item in package.iterfind(f"{_ANY}manifest/{_ANY}item")}
    folder = posixpath.dirname(path)
    references = package.iterfind(f"{_ANY}spine/{_ANY}itemref")
    ordered = [items[name] for one in references if (name := one.get("idref")) in items]
    for item in ordered or items.values():
        href = unquote(item.get("href", "").split("#")[0])
        if item.get("media-type") in _PAGES or href.lower().endswith(_ENDINGS):
            yield posixpath.normpath(posixpath.join(folder, href))
