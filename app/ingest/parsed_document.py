"""The result of a loader, independent of the file format."""

from dataclasses import dataclass
from typing import Literal

from app.domain.errors import CitestreamError
from app.domain.models import FidelityNote, SourceKind

BlockKind = Literal["paragraph", "item", "row", "code"]


class IngestError(CitestreamError):
    """A file cannot be ingested. The message is a one-line reason without the file's name."""


@dataclass(frozen=True, slots=True)
class Block:
    """Characters `start`..`end` of the text form a paragraph, list item, row or code block."""

    start: int
    end: int
    kind: BlockKind = "paragraph"
    heading: str | None = None  # path of enclosing headings
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """Characters `start`..`end` of the text (words only), with the times they were spoken."""

    start: int
    end: int
    start_s: float
    end_s: float
    speaker: str | None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """Extracted text and its structure: blocks of a document, or utterances of a recording.

    `title` is None when the file has none.
    """

    kind: SourceKind
    text: str
    title: str | None = None
    blocks: tuple[Block, ...] = ()
    utterances: tuple[Utterance, ...] = ()
    pages: int | None = None
    duration_s: float | None = None
    notes: tuple[FidelityNote, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """Speakers in order of first appearance."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances if u.speaker))
