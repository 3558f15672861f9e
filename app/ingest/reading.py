"""Parses a file and splits it into passages. Runs in the reader process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from app.domain.errors import CitestreamError
from app.domain.library_ports import NewPassage
from app.domain.models import FidelityNote, SourceKind
from app.ingest.loaders.members import Member
from app.ingest.loaders.registry import Loader, loader_for, title_from
from app.ingest.parsed_document import IngestError, ParsedDocument
from app.ingest.passages import context, cut_passages
from app.text.minhash_sketch import sketch

Count = Callable[[str], int]

MAX_TITLE: Final = 500


class ParserError(IngestError):
    """A parser failed in a way its loader does not handle."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A file split into passages; `contexts` holds the text embedded before each of them."""

    media_type: str
    suffix: str
    kind: SourceKind
    title: str
    pages: int | None
    duration_s: float | None
    speakers: tuple[str, ...]
    sketch: tuple[int, ...]
    passages: tuple[NewPassage, ...]
    contexts: tuple[str, ...]
    notes: tuple[FidelityNote, ...] = ()


def read_document(name: str, data: bytes, count: Count) -> ReadDocument:
    """Raises `IngestError` for unreadable files. Any exception of a parser counts as one."""
    try:
        return _read(name, data, count)
    except (CitestreamError, MemoryError):
        raise
    except Exception as error:
        raise ParserError(f"the file cannot be read ({type(error).__name__})") from error


def unpack(name: str, data: bytes) -> tuple[bool, Iterator[Member]]:
    """Whether the file has its own text, and its members. Raises `IngestError`."""
    loader = loader_for(name, data)
    if loader.members is None:
        return True, iter(())
    return loader.own_text, loader.members(data)


def _read(name: str, data: bytes, count: Count) -> ReadDocument:
    loader = loader_for(name, data)
    loaded = loader.load(data)
    title = (loaded.title or title_from(name))[:MAX_TITLE]
    passages = cut_passages(loaded, title=title, count=count)
    contexts: dict[str | None, str] = {}
    for passage in passages:
        if passage.heading not in contexts:
            contexts[passage.heading] = context(title, passage.heading, count)
    return ReadDocument(
        media_type=loader.media_type,
        suffix=loader.suffixes[0],
        kind=loaded.kind,
        title=title,
        pages=loaded.pages,
        duration_s=loaded.duration_s,
        speakers=loaded.speakers,
        sketch=sketch(loaded.text),
        passages=tuple(passages),
        contexts=tuple(contexts[passage.heading] for passage in passages),
        notes=_notes(loader, data, loaded),
    )


def _notes(loader: Loader, data: bytes, loaded: ParsedDocument) -> tuple[FidelityNote, ...]:
    if loader.binary or loader.doubtful_encoding is None:
        return loaded.notes
    encoding = loader.doubtful_encoding(data)
    if encoding is None:
        return loaded.notes
    return (*loaded.notes, FidelityNote("doubtful_encoding", 1, detail=encoding))
