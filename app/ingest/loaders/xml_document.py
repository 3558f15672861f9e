"""XML of any vocabulary: records become rows and text becomes paragraphs, under their titles."""

import html
import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from app.ingest.loaders.archives import check_xml
from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.parsed_document import IngestError, ParsedDocument

Element = Any
"""An lxml element; lxml ships no types."""

_ENCODING: Final = re.compile(rb"encoding\s*+=\s*+[\"']([\w.:-]++)")
_HEADINGS: Final = frozenset({"title", "head", "heading", "caption"})


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PARAGRAPHS: Final = _set(
    "p para simpara paragraph note li item listitem dd dt td th entry text summary description "
    "content abstract remark warning tip important caution quote blockquote"
)
_PROSE: Final = frozenset({"p", "para", "simpara", "paragraph"})
_CODE: Final = frozenset({"programlisting", "screen", "codeblock", "pre", "literallayout", "code"})
_INLINE: Final = _set(
    "b i em strong code emphasis link xref ulink literal sub sup tt ph ref hi a span quote "
    "citetitle filename command option"
)
_SILENT: Final = ("xmlns", "xml:", "xsi:")
_RECORD: Final = 500  # characters; longer elements are not written as one row


def load_xml(data: bytes) -> ParsedDocument:
    """Title: the first title or name directly below the root."""
    markup = without_declaration(decode_xml(data)).encode()
    root = parse_xml(markup)
    if _name(root) == "html":
        from app.ingest.loaders.html_page import load_html

        return load_html(markup)
    out = ExtractedText()
    title = next((_text(one) for one in _outer(root) if _name(one) == "title"), None)
    _add(out, root, level=1)
    return out.document(title)


def decode_xml(data: bytes) -> str:
    """Decode with the declared encoding when it is plausible, else detect it."""
    declared = _ENCODING.search(data[:200])
    if declared and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            return decode(data.decode(declared[1].decode("ascii", "ignore")).encode())
        except (LookupError, UnicodeError):
            pass  # declarations can be wrong; fall back to detection
    return decode(data)


def without_declaration(markup: str) -> str:
    """Remove the XML declaration, whose encoding no longer applies."""
    markup = markup.lstrip("\ufeff \n\t")
    if not markup.startswith("<?xml"):
        return markup
    return markup.partition("?>")[2].lstrip()


def parse_xml(data: bytes) -> Element:
    """Return the root. Raises `IngestError` for entities, deep nesting and malformed XML.

    A document type is allowed, but never loaded.
    """
    check_xml(data, document_types=True)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise IngestError("the file is damaged (its XML is not well-formed)") from error


def _add(out: ExtractedText, element: Element, *, level: int) -> None:
    """Add a record as one row, text-only content as a paragraph, anything else part by part."""
    name = _name(element)
    if name in _CODE:
        out.add_block("".join(_strings(element)), "code")
        return
    if _has_words(element) or not len(element):
        _add_words(out, element, name)
        return
    out.add_section("", level)  # leave the section of the previous part
    if (row := _row(element)) is not None:
        out.add_block(row, "row")
    else:
        out.add_block("; ".join(_attributes(element)), "row")
        _add_parts(out, element, level)


def _add_words(out: ExtractedText, element: Element, name: str) -> None:
    attributes = _attributes(element)
    text = _text(element)
    if name in _PARAGRAPHS and text:
        out.add_block("; ".join(attributes), "row")
        out.add_block(text)
    else:
        pairs = [f"{name}: {text}"] if text else [name] if attributes else []
        out.add_block("; ".join([*pairs, *attributes]), "row")


def _add_parts(out: ExtractedText, element: Element, level: int) -> None:
    for part in _outer(element):
        if _name(part) in _HEADINGS and _text(part):
            out.add_heading(_text(part), level)
        else:
            _add(out, part, level=level + 1)


def _row(element: Element) -> str | None:
    """Attributes and parts as "name: value" pairs, if they fit on one short line."""
    if all(_name(part) in _HEADINGS for part in element):
        return None
    pairs = list(_attributes(element))
    length = sum(map(len, pairs))
    for part in _outer(element):
        if len(part) and not _has_words(part):
            return None
        text = _text(part)
        pairs += [f"{_name(part)}: {text}"] if text else []
        pairs += _attributes(part)
        length += len(text)
        if length > _RECORD or _name(part) in _PROSE | _CODE:
            return None
    return "; ".join(pairs)


def _attributes(element: Element) -> list[str]:
    """Attributes as "name: value", without those about XML processing."""
    pairs = ((_local(name), " ".join(value.split())) for name, value in element.attrib.items())
    return [f"{name}: {value}" for name, value in pairs if value and not name.startswith(_SILENT)]


def _has_words(element: Element) -> bool:
    """Whether the element has text between its parts, or only inline parts."""
    if (element.text or "").strip() or any((one.tail or "").strip() for one in element):
        return True
    return bool(len(element)) and all(_name(one) in _INLINE for one in element)


def _text(element: Element) -> str:
    return " ".join("".join(_strings(element)).split())


def _strings(element: Element) -> Iterator[str]:
    """All text; undeclared entities are resolved as HTML entities."""
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            yield html.unescape(node.text) if node.tag is etree.Entity else node.text or ""
        elif node is not element:
            yield node.tail or ""


def _outer(element: Element) -> Iterator[Element]:
    return (one for one in element if one.tag is not etree.Entity)


def _name(element: Element) -> str:
    """The local name; empty for an entity."""
    return _local(element.tag) if isinstance(element.tag, str) else ""


def _local(name: str) -> str:
    return name.rpartition("}")[2]
