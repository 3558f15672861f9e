"""The result of a loader, whatever the file's format."""

from dataclasses import dataclass
from typing import Literal

from app.domain.errors import CitestreamError
from app.domain.models import FidelityNote, SourceKind

BlockKind = Literal["paragraph", "item", "row", "code"]


class IngestError(CitestreamError):
    """A file cannot be ingested. The text is the reason in one line, without the file's name."""


@dataclass(frozen=True, slots=True)
class Block:
    """Characters `start`..`end` of the text belong together: a paragraph, a list item, a row."""

    start: int
    end: int
    kind: BlockKind = "paragraph"
    heading: str | None = None  # the path of headings above it
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """Characters `start`..`end` of the text (the words alone) were spoken at these seconds."""

    start: int
    end: int
    start_s: float
    end_s: float
    speaker: str | None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A file's extracted text and its structure: blocks of a document, utterances of a recording.

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
        """In the order in which they first speak."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances if u.speaker))
