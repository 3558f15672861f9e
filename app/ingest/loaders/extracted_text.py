"""Builds the extracted text of a document, and blocks that point into it exactly."""

import re
from typing import Final

from app.ingest.parsed_document import Block, BlockKind, IngestError, ParsedDocument

MAX_TEXT_LENGTH: Final = 10_000_000
"""Characters of one source: 5,000 pages, and about ten minutes of embedding."""

TOO_LONG: Final = f"the text is longer than {MAX_TEXT_LENGTH:,} characters; divide it"
MAX_HEADING: Final = 1_000  # characters; each passage below it carries it
_TIGHT = {"item", "row"}  # follow each other on the next line, others after an empty one
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class ExtractedText:
    """Append-only; offsets of what was added never change."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last: BlockKind | None = None
        self._headings: list[tuple[int, str]] = []
        self.blocks: list[Block] = []

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def add_heading(self, text: str, level: int, *, named: bool = True) -> None:
        """A line of its own. With `named`, what follows stands under it; else it is the title.

        What is too long for a heading is a paragraph, whatever the file calls it.
        """
        if len(text) > MAX_HEADING:
            self.add_block(text)
            return
        text = storable_text(text)
        self._append(text, tight=False)
        self._last = None
        self._headings = [(one, name) for one, name in self._headings if one < level]
        if named:
            self._headings.append((level, text))

    def add_block(
        self, text: str, kind: BlockKind = "paragraph", *, page: int | None = None
    ) -> None:
        """Empty text is left out. Raises `IngestError` when the text is too long in all."""
        text = storable_text(text)
        text = text.strip("\n").rstrip() if kind in ("code", "item") else text.strip()
        if not text.strip():
            return
        start = self._append(text, tight=kind in _TIGHT and self._last == kind)
        self._last = kind
        path = " > ".join(name for _, name in self._headings) or None
        self.blocks.append(Block(start, self._length, kind, path, page))

    def document(self, title: str | None, *, pages: int | None = None) -> ParsedDocument:
        """All of it as a document. Raises `IngestError` when there is no block."""
        if not self.blocks:
            raise IngestError("the file contains no text")
        title = " ".join(storable_text(title or "").split()) or None
        return ParsedDocument(
            kind="document", text=self.text, title=title, blocks=tuple(self.blocks), pages=pages
        )

    def _append(self, text: str, *, tight: bool) -> int:
        if self._parts:
            gap = "\n" if tight else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_TEXT_LENGTH:
            raise IngestError(TOO_LONG)
        return start


def storable_text(text: str) -> str:
    """The text with a space for each character that is none, or that no database takes."""
    return _UNSTORABLE.sub(" ", text)
