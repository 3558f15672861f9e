"""What ingestion, retrieval and the library store hand each other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from app.domain.models import Cue, Filters, SearchResult, Similar, Source, SourceKind
from app.domain.ports import Embedder, Vector
from app.domain.principals import Principal

Change = Literal["added", "replaced", "unchanged"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file kept beside the database: `key` finds it, `media_type` is what it is served as."""

    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source about to be stored; `origin` (with the owner) says which earlier one it replaces."""

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
    sketch: tuple[int, ...] = ()  # see `app/text/minhash_sketch.py`; empty: compared with nothing


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage about to be stored; fields as in `Passage`. Its order gives its position."""

    text: str
    char_start: int
    char_end: int
    heading: str | None = None
    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    cues: tuple[Cue, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedPassage:
    """A passage as the model sees it: a unit vector and, when the model has them, token bits."""

    vector: Vector
    tokens: bytes | None


@dataclass(frozen=True, slots=True)
class RerankFeatures:
    """What an index stores for reranking passages."""

    states: Mapping[str, bytes]  # packed token states, of those passages that have them
    weights: Sequence[float]  # how rare each word is (BM25's idf); 0: never indexed
    absent_weight: float  # the weight of a word that no passage has


@dataclass(frozen=True, slots=True)
class StoredText:
    """The part of a stored passage that is embedded; `number` is the store's own key."""

    number: int
    title: str
    heading: str | None
    text: str


class PassageEncoder(Embedder, Protocol):
    """An embedder as ingestion needs it."""

    @property
    def max_pieces(self) -> int:
        """What `count` of an embedded text must not exceed, else its end is invisible."""
        ...

    @property
    def count(self) -> Callable[[str], int]:
        """Gives word pieces (or an estimate that is not too low); adds up over parts.

        Picklable: files are cut into passages by another process.
        """
        ...

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        """One per text, in order. Never blocks the event loop."""
        ...


Discard = Callable[[Sequence[str]], Awaitable[None]]
"""Removes the files of these keys. Called after the commit that dropped their last name."""


class LibraryWriter(Protocol):
    """The writing half of the library. Only the owner writes; others' sources look unknown."""

    async def discard_unnamed(self, keys: Sequence[str], discard: Discard | None) -> None:
        """Remove those of these files that no source has. Raises nothing: a file may stay."""
        ...

    async def similar(self, principal: Principal, source_id: str) -> tuple[Similar, ...]:
        """The owner's other sources that say nearly the same as this one, best first."""
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
        """Add tags, and share it when this is the origin that it was stored by."""
        ...

    async def find_same(
        self, principal: Principal, *, origin: str, content_hash: str, embedder: str
    ) -> Source | None:
        """The owner's source that makes storing this content pointless, if there is one."""
        ...

    async def replace(
        self,
        principal: Principal,
        source: NewSource,
        passages: Sequence[tuple[NewPassage, EncodedPassage]],
        *,
        embedder: str,
        now: datetime,
        discard: Discard | None = None,
    ) -> tuple[str, Change]:
        """Store in one transaction, in place of what had this origin; returns the source id."""
        ...

    async def delete(self, principal: Principal, source_id: str, *, at: datetime) -> bool:
        """Hide it everywhere. False when unknown or not the owner's."""
        ...

    async def restore(self, principal: Principal, source_id: str, *, at: datetime) -> bool:
        """Undo a deletion of at most 30 s ago. False when there is none."""
        ...

    async def purge(self, *, deleted_before: datetime, discard: Discard | None = None) -> int:
        """Remove for good what was deleted before; returns how many sources."""
        ...

    async def set_title(
        self, principal: Principal, source_id: str, title: str, *, now: datetime
    ) -> bool:
        """Also in the index of terms, not in the vectors. False when unknown or another's."""
        ...

    async def set_tags(
        self, principal: Principal, source_id: str, tags: Sequence[str], *, now: datetime
    ) -> bool:
        """False when unknown or not the owner's."""
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
        """Share with everyone, with groups or with nobody; False when not the owner's."""
        ...


class LibraryVectors(Protocol):
    """All vectors of the library, whoever owns them: for the check at start and re-embedding."""

    async def embedders(self) -> tuple[str, ...]:
        """The embedders whose vectors are stored."""
        ...

    async def sources_of_others(self, embedder: str) -> tuple[str, ...]:
        """Ids of the sources embedded by any other embedder."""
        ...

    async def stored_texts(self, source_id: str) -> tuple[StoredText, ...]:
        """What of a source is embedded, in order."""
        ...

    async def replace_vectors(
        self, source_id: str, encoded: Mapping[int, EncodedPassage], *, embedder: str
    ) -> bool:
        """Exchange all vectors of a source in one transaction; keys as in `StoredText.number`.

        False, and nothing is changed, when the source's passages are others by now.
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
