"""Describes the parts of a file that are missing from its text."""

from collections.abc import Sequence
from typing import Final

from app.domain.encoding import counted
from app.domain.models import FidelityNote

_WORDS: Final = {
    "pages_without_text": ("page", "has no text", "have no text"),
    "unreadable_pages": ("page", "cannot be read", "cannot be read"),
    "damaged_pages": ("page", "is damaged", "are damaged"),
    "unreadable_chapters": ("chapter", "cannot be read", "cannot be read"),
    "damaged_sheets": ("sheet", "is damaged", "are damaged"),
    "unreadable_parts": ("part", "cannot be read", "cannot be read"),
    "attachments": ("attachment", "was not read", "were not read"),
    "encrypted_messages": ("encrypted message", "was not read", "were not read"),
    "embedded_files": ("embedded file", "was not read", "were not read"),
    "formulas_without_values": (
        "formula",
        "has no value: the program that wrote the file did not calculate it; open the file in "
        "Excel or LibreOffice, save it and ingest it again",
        "have no values: the program that wrote the file did not calculate them; open the file in "
        "Excel or LibreOffice, save it and ingest it again",
    ),
}
"""A noun, and the statement for one and for several."""
_THINGS: Final = {"pictures": "picture", "hidden_sheets": "hidden sheet"}


def describe(notes: Sequence[FidelityNote]) -> str:
    """`3 of 22 pages have no text; 2 pictures`; empty for no notes."""
    return "; ".join(map(_words, notes))


def _words(note: FidelityNote) -> str:
    if note.kind == "doubtful_encoding":
        return _encoding(note.detail)
    if note.kind in _THINGS:
        return counted(note.count, _THINGS[note.kind])
    if note.kind not in _WORDS:
        return f"{note.count:,} {note.kind.replace('_', ' ')}"
    noun, of_one, of_several = _WORDS[note.kind]
    said = of_one if note.count == 1 else of_several
    if note.total is not None and note.total > 1:
        return f"{note.count:,} of {note.total:,} {noun}s {said}"
    return f"{counted(note.count, noun)} {said}"


def _encoding(name: str | None) -> str:
    if name is None:  # recorded by an earlier version
        return "the encoding is a guess"
    return f"read as {name}; if letters look wrong, save it as UTF-8 and ingest it again"
