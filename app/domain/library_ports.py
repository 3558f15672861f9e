"""Ports and data types between ingestion, retrieval and the library store."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from app.domain.models import (
    Cue,
    FidelityNote,
    Filters,
    SearchResult,
    Similar,
    Source,
    SourceKind,
    Span,
    StoredFile,
)
from app.domain.ports import Embedder, Vector
from app.domain.principals import Principal

Change = Literal["added", "replaced", "unchanged"]


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to store. It replaces the owner's earlier source with the same `origin`."""

    origin: str
    name: str
    title: str
    kind: SourceKind
    media_type: str
    content_hash: str  # sha256 hex of the bytes
    tags: tuple[str, ...] = ()
    shared: bool = False
    shared_with: tuple[str, ...] = ()  # groups
    pages: int | None = None
    duration_s: float | None = None
    speakers: tuple[str, ...] = ()
    original: StoredFile | None = None
    audio: StoredFile | None = None
    notes: tuple[FidelityNote, ...] = ()
    sketch: tuple[int, ...] = ()  # see `app/text/minhash_sketch.py`; empty: never compared


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage to store, with fields as in `Passage`. The order determines the position."""

    text: str
    char_start: int
    char_end: int
    heading: str | None = None
    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    cues: tuple[Cue, ...] = ()
    structure: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedPassage:
    """An embedded passage: a unit vector and, if the model supports them, token bits."""

    vector: Vector
    tokens: bytes | None


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A source with its passages in order."""

    source: NewSource
    passages: Sequence[tuple[NewPassage, EncodedPassage]]


@dataclass(frozen=True, slots=True)
class RerankFeatures:
    """Index data for reranking passages."""

    states: Mapping[str, bytes]  # packed token states of the passages that have them
    weights: Sequence[float]  # BM25's idf of each term; 0: not indexed
    absent_weight: float  # the weight of a term in no passage


@dataclass(frozen=True, slots=True)
class StoredText:
    """The embedded part of a stored passage. `number` is the store's key."""

    number: int
    title: str
    heading: str | None
    text: str


class PassageEncoder(Embedder, Protocol):
    """An embedder as ingestion needs it."""

    @property
    def max_pieces(self) -> int:
        """Maximum `count` of an embedded text. Longer texts are truncated."""
        ...

    @property
    def count(self) -> Callable[[str], int]:
        """Counts word pieces, or an upper estimate. Additive over parts.

        Picklable, because another process splits files into passages.
        """
        ...

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        """One per text, in order. Never blocks the event loop."""
        ...


Discard = Callable[[Sequence[str]], Awaitable[None]]
"""Deletes the files of these keys. Called after the commit that removed the last reference."""


class LibraryWriter(Protocol):
    """The write side of the library. Only owners can write; others' sources appear unknown."""

    async def discard_unnamed(self, keys: Sequence[str], discard: Discard | None) -> None:
        """Delete those of these files that no source uses. Best effort: raises nothing."""
        ...

    async def similar(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Similar, ...]]:
        """The owner's near-duplicates of each source, best first; sources without are omitted."""
        ...

    async def add_labels(
        self,
        principal: Principal,
        source_id: str,
        *,
        origin: str,
        tags: Sequence[str],
        shared: bool,
        now: datetime,
    ) -> None:
        """Add tags, and share the source if `origin` is the one it was stored with."""
        ...

    async def find_same(
        self, principal: Principal, contents: Mapping[str, str], *, embedder: str
    ) -> dict[str, Source]:
        """By origin, the owner's sources that already have this content (a hash)."""
        ...

    async def replace(
        self,
        principal: Principal,
        versions: Sequence[SourceVersion],
        *,
        embedder: str,
        now: datetime,
        discard: Discard | None = None,
    ) -> list[tuple[str, Change]]:
        """Store sources in one transaction, replacing those with the same origins, which must be
        distinct. Returns their ids in order."""
        ...

    async def delete(self, principal: Principal, source_id: str, *, at: datetime) -> bool:
        """Hide the source everywhere. False when unknown or not the owner's."""
        ...

    async def restore(self, principal: Principal, source_id: str, *, at: datetime) -> bool:
        """Undo a deletion of at most 30 s ago. False when there is none."""
        ...

    async def purge(self, *, deleted_before: datetime, discard: Discard | None = None) -> int:
        """Permanently remove sources deleted before that time. Returns the number."""
        ...

    async def set_title(
        self, principal: Principal, source_id: str, title: str, *, now: datetime
    ) -> bool:
        """Update the title and term index, but not the vectors. False if unknown or not owned."""
        ...

    async def set_tags(
        self, principal: Principal, source_id: str, tags: Sequence[str], *, now: datetime
    ) -> bool:
        """False when unknown or not the owner's."""
        ...

    async def set_notes(
        self, principal: Principal, source_id: str, notes: Sequence[FidelityNote]
    ) -> None:
        """Replace the notes on content missing from the text."""
        ...

    async def set_access(
        self,
        principal: Principal,
        source_id: str,
        *,
        shared: bool,
        groups: Sequence[str],
        now: datetime,
    ) -> bool:
        """Share with everyone, with groups or not at all; False when not the owner's."""
        ...


class LibraryVectors(Protocol):
    """The vectors of all owners, for the check at start and for re-embedding."""

    async def embedders(self) -> tuple[str, ...]:
        """The names of the embedders whose vectors are stored."""
        ...

    async def sources_of_others(self, embedder: str) -> tuple[str, ...]:
        """Ids of the sources embedded by any other embedder."""
        ...

    async def stored_texts(self, source_id: str) -> tuple[StoredText, ...]:
        """The embedded texts of a source, in order."""
        ...

    async def replace_vectors(
        self, source_id: str, encoded: Mapping[int, EncodedPassage], *, embedder: str
    ) -> bool:
        """Replace all vectors of a source in one transaction. Keys are `StoredText.number`.

        False, without any change, when the source's passages have been replaced meanwhile.
        """
        ...


class PassageIndex(Protocol):
    """The search index over all passages."""

    async def search(
        self,
        principal: Principal,
        query: str,
        vector: Awaitable[Vector],
        *,
        embedder: str,
        filters: Filters,
        limit: int,
    ) -> SearchResult:
        """Lexical and dense search with fusion; candidates best first, with all signals set.

        `vector` is awaited while the lexical search runs, and cancelled if that fails.
        """
        ...
