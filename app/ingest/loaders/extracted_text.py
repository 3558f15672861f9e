"""Builds a document's text and the blocks that reference exact ranges of it."""

import re
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from app.domain.models import FidelityNote
from app.ingest.parsed_document import Block, BlockKind, IngestError, ParsedDocument

MAX_TEXT_LENGTH: Final = 10_000_000
"""Characters per source: 5,000 pages, or about ten minutes of embedding."""

TOO_LONG: Final = f"the text is longer than {MAX_TEXT_LENGTH:,} characters; divide it"
NO_TEXT: Final = "the file contains no text"
ONLY_PICTURES: Final = "the file has only pictures and no text; run text recognition (OCR) on it"
MAX_HEADING: Final = 1_000  # characters; each passage below carries its headings
_TIGHT = {"item", "row"}  # kinds whose consecutive blocks are separated by one line feed, not two
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class _Heading:
    """An open heading: blocks added next belong under it."""

    level: int
    text: str
    block: Block
    named: bool
    has_text: bool


class ExtractedText:
    """Append-only: offsets never change once added."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last: BlockKind | None = None
        self._open: list[_Heading] = []
        self._alone: list[Block] = []
        self._notes: dict[str, FidelityNote] = {}
        self.blocks: list[Block] = []

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    @property
    def has_text(self) -> bool:
        """Whether there is a block, or a heading that counts as one."""
        return bool(self.blocks or self._alone or any(not one.has_text for one in self._open))

    @property
    def is_full(self) -> bool:
        """Whether the text has reached its maximum length."""
        return self._length > MAX_TEXT_LENGTH

    def add_heading(
        self,
        text: str,
        level: int,
        *,
        named: bool = True,
        written: bool = True,
        quoted: bool = False,
        page: int | None = None,
    ) -> None:
        """Add a line of its own. With `named`, later blocks belong under it; else it is the title.

        A heading with nothing under it becomes a block itself if it is `written` in the file, as
        "Slide 3" is not. With `quoted` it is always a block. Text too long for a heading is added
        as a paragraph.
        """
        if len(text) > MAX_HEADING:
            self.add_block(text, page=page)
            return
        text = storable_text(text).strip()
        self._close(level)
        start = self._append(text, tight=False)
        self._last = None
        block = Block(start, self._length, "paragraph", self._path(), page)
        has_text = quoted or not (written and text)
        self._open.append(_Heading(level, text, block, named, has_text))
        if quoted:
            self._add(replace(block, heading=self._path()))

    def add_section(self, name: str, level: int) -> None:
        """Open a section whose name is not part of the text. An empty name only closes sections."""
        self._close(level)
        if name := storable_text(name).strip():
            unwritten = Block(self._length, self._length)
            self._open.append(_Heading(level, name, unwritten, named=True, has_text=True))

    def add_block(
        self, text: str, kind: BlockKind = "paragraph", *, page: int | None = None
    ) -> None:
        """Add a block; empty text is ignored. Raises `IngestError` when the text gets too long."""
        text = storable_text(text)
        text = text.strip("\n").rstrip() if kind in ("code", "item") else text.strip()
        if not text.strip():
            return
        start = self._append(text, tight=kind in _TIGHT and self._last == kind)
        self._last = kind
        self._add(Block(start, self._length, kind, self._path(), page))

    def add_note(self, kind: str, count: int, total: int | None = None) -> None:
        """Count content missing from the text. Counts add up by kind; a count of 0 adds no note."""
        if count:
            before = self._notes.get(kind)
            known = before.count if before else 0
            self._notes[kind] = FidelityNote(kind, known + count, total)

    def document(self, title: str | None, *, pages: int | None = None) -> ParsedDocument:
        """Finish the document. Raises `IngestError` when there is no text."""
        self._close(0)
        blocks = sorted([*self.blocks, *self._alone], key=attrgetter("start"))
        if not blocks:
            raise IngestError(ONLY_PICTURES if "pictures" in self._notes else NO_TEXT)
        title = " ".join(storable_text(title or "").split()) or None
        return ParsedDocument(
            kind="document",
            text=self.text,
            title=title,
            blocks=tuple(blocks),
            pages=pages,
            notes=tuple(self._notes.values()),
        )

    def _add(self, block: Block) -> None:
        for heading in self._open:
            heading.has_text = True
        self.blocks.append(block)

    def _path(self) -> str | None:
        return " > ".join(heading.text for heading in self._open if heading.named) or None

    def _close(self, level: int) -> None:
        """Close headings of this level and below. Those without content become blocks."""
        while self._open and self._open[-1].level >= level:
            heading = self._open.pop()
            if not heading.has_text:
                self._alone.append(heading.block)

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
    """Replace characters that are invalid or that PostgreSQL cannot store by spaces.

    Soft hyphens are removed: they only mark where a word may be divided.
    """
    return _UNSTORABLE.sub(" ", text).replace("\u00ad", "")
