"""Plain text: paragraphs, lists and headings, as far as they can be detected."""

import re
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.parsed_document import ParsedDocument

_PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n\s*")
_ITEM: Final = re.compile(r"\s*(?:[-*•‣–]|\d{1,3}[.)]|[a-z]\))\s+\S")
_UNDERLINE: Final = re.compile(r"(=|-|~)\1{2,}\s*")
_ENDS: Final = (".", ",", ";", ":", "!", "?")
_HEADING_LENGTH: Final = 90
_TITLE_LENGTH: Final = 120
_WRAPPED: Final = 45  # characters from which a line break counts as wrapping


def load_text(data: bytes) -> ParsedDocument:
    """Title: a short first line followed by an empty one."""
    text = decode(data).expandtabs(4).strip("\n")
    out = ExtractedText()
    paragraphs = [part for part in _PARAGRAPHS.split(text) if part.strip()]
    title = None
    if len(paragraphs) > 1 and _is_title(paragraphs[0]):
        title = paragraphs.pop(0).strip().splitlines()[0].strip()
        out.add_heading(title, 1, named=False)
    for paragraph in paragraphs:
        _add(out, paragraph)
    return out.document(title)


def add_text(out: ExtractedText, text: str) -> None:
    """Add paragraphs, lists and headings to `out`."""
    for paragraph in _PARAGRAPHS.split(text.expandtabs(4).strip("\n")):
        if paragraph.strip():
            _add(out, paragraph)


def _add(out: ExtractedText, paragraph: str) -> None:
    lines = [line.rstrip() for line in paragraph.splitlines() if line.strip()]
    if _is_heading(lines):
        out.add_heading(lines.pop(0).strip(), 2)
        lines = [line for line in lines if not _UNDERLINE.fullmatch(line)]
    for is_item, group in _grouped(lines):
        text = _unwrapped(group)
        out.add_block(text, "item" if is_item else "paragraph")


def _grouped(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """Split into list items, each with its continuation lines, and other text."""
    groups: list[tuple[bool, list[str]]] = []
    for line in lines:
        if _ITEM.match(line):
            groups.append((True, [line]))
        elif groups and (not groups[-1][0] or line.startswith(" ")):
            groups[-1][1].append(line)
        else:
            groups.append((False, [line]))
    return groups


def _unwrapped(lines: list[str]) -> str:
    """Join lines that are only wrapped; otherwise keep the line breaks."""
    if all(len(line) >= _WRAPPED for line in lines[:-1]):
        return " ".join([lines[0], *(line.strip() for line in lines[1:])])
    return "\n".join(lines)


def _is_heading(lines: list[str]) -> bool:
    first = lines[0].strip()
    if len(first) > _HEADING_LENGTH or _ITEM.match(lines[0]):
        return False
    if len(lines) > 1 and _UNDERLINE.fullmatch(lines[1]):
        return True
    shouted = first.isupper() and sum(char.isalpha() for char in first) > 3
    return shouted and not first.endswith(_ENDS)


def _is_title(paragraph: str) -> bool:
    lines = paragraph.strip().splitlines()
    if len(lines) > 2 or (len(lines) == 2 and not _UNDERLINE.fullmatch(lines[1].strip())):
        return False
    first = lines[0].strip()
    return len(first) <= _TITLE_LENGTH and not first.endswith(_ENDS) and not _ITEM.match(first)
