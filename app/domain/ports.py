"""Ports between the adapters: what each room may ask of another without importing it."""

from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.models import (
    EVERYTHING,
    Candidate,
    Conversation,
    Feedback,
    Filters,
    FoundConversation,
    LibraryCounts,
    Listing,
    Message,
    Page,
    Passage,
    Reading,
    Reranked,
    SearchResult,
    Similar,
    Source,
)
from app.domain.principals import Principal

if TYPE_CHECKING:
    from pathlib import Path

    from app.domain.library_ports import StoredFile
    from app.domain.models import Suggestion


class PassageSearch(Protocol):
    """Hybrid search over what the principal can read; filters apply to both searches."""

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        """At most `limit` candidates, best first. Raises `StoreUnavailable`."""
        ...


class Reranker(Protocol):
    """A second, finer order of the candidates."""

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """All candidates, best first, with `score` replaced by the finer one. Always answers."""
        ...


class Conversations(Protocol):
    """The conversations of a principal. Every method raises `NotFound` for unknown or not yours.

    A deleted conversation is hidden everywhere; asking in it again starts it anew.
    """

    async def recent(
        self, principal: Principal, *, limit: int, cursor: str | None = None
    ) -> Page[Conversation]:
        """Most recently used first. Raises `InvalidInput` for a cursor it did not make."""
        ...

    async def search(
        self, principal: Principal, query: str, *, limit: int, cursor: str | None = None
    ) -> Page[FoundConversation]:
        """As `recent`: those with a message, or a title, in which every word of `query` occurs.

        Words of messages are found by their beginning, titles by any part.
        """
        ...

    async def get(self, principal: Principal, session_id: str) -> Conversation: ...

    async def messages(
        self,
        principal: Principal,
        session_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
    ) -> Page[Message]:
        """Oldest first, or the other way round; a cursor belongs to the order it was made in.

        Raises `InvalidInput` for a cursor it did not make.
        """
        ...

    async def message(self, principal: Principal, session_id: str, message_id: str) -> Message: ...

    async def rate(
        self, principal: Principal, session_id: str, message_id: str, feedback: Feedback | None
    ) -> None:
        """Keep what the principal thinks of an answer; None takes it back. Questions have none."""
        ...

    async def rename(self, principal: Principal, session_id: str, title: str) -> Conversation:
        """Give it another title; its place in the list stays."""
        ...

    async def set_filters(
        self, principal: Principal, session_id: str, filters: Filters
    ) -> Conversation:
        """Remember the filters chosen for the next question."""
        ...

    async def delete(self, principal: Principal, session_id: str, *, at: datetime) -> None:
        """Hide it. A run that is active goes on: the caller stops it."""
        ...

    async def restore(self, principal: Principal, session_id: str, *, at: datetime) -> Conversation:
        """Undo a deletion of at most 30 s ago."""
        ...

    async def purge(self, *, deleted_before: datetime) -> int:
        """Remove for good what was deleted before and runs no more; returns how many."""
        ...


class Library(Protocol):
    """The sources and passages a principal may read."""

    async def sources(
        self, principal: Principal, listing: Listing = EVERYTHING, *, limit: int = 200
    ) -> Page[Source]:
        """A page of the readable sources. Raises `InvalidInput` for a cursor of another list."""
        ...

    async def counts(self, principal: Principal) -> LibraryCounts:
        """How many there are in all."""
        ...

    async def source(self, principal: Principal, source_id: str) -> Source | None:
        """One source, None when unknown or not readable."""
        ...

    async def similar(self, principal: Principal, source_id: str) -> tuple[Similar, ...]:
        """The principal's own other sources that say nearly the same as this one, best first."""
        ...

    async def passages(self, principal: Principal, source_id: str) -> tuple[Passage, ...]:
        """Every passage of a source in order; empty when unknown or not readable."""
        ...

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None:
        """One passage, None when unknown or not readable."""
        ...

    async def file(self, principal: Principal, source_id: str) -> "StoredFile | None":
        """What is played or opened: its audio, else the original; None when not readable."""
        ...

    async def unknown_sources(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> tuple[str, ...]:
        """Those of `source_ids` that are unknown or not readable."""
        ...


class Suggestions(Protocol):
    """Questions to try on a source."""

    async def of(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> "tuple[Suggestion, ...]":
        """At most three that the library answers from this source; `passages` are all of it."""
        ...


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that was received. `name` is what the sender calls it: shown, never a path."""

    file_id: str
    name: str
    path: "Path"


@dataclass(frozen=True, slots=True)
class JobRow:
    """An ingest job as stored. `silent_s`: how long its process has not been heard of."""

    job_id: str
    head: int  # the highest event's number
    ended: bool
    silent_s: float


@dataclass(frozen=True, slots=True)
class JobEntry:
    """One numbered event of a job; `data` is its compact JSON."""

    seq: int
    type: str
    data: bytes


JOB_DEAD_S: Final = 60.0
"""A job whose process was not heard of for so long will not go on."""


class JobLog(Protocol):
    """The events of ingest jobs, numbered 1, 2, 3 … Raises `StoreUnavailable`."""

    async def create(
        self, principal: Principal, job_id: str, *, files: int, shared: bool = False
    ) -> None:
        """A job without events; those older than a day are forgotten.

        `shared`: everyone may read what it stores.
        """
        ...

    async def append(self, job_id: str, events: Sequence[tuple[str, bytes]], *, ends: bool) -> bool:
        """Add (type, data) pairs in one step; False, and nothing is added, to an ended job."""
        ...

    async def beat(self, job_ids: Sequence[str]) -> None:
        """Their process is alive."""
        ...

    async def find(self, principal: Principal, job_id: str) -> JobRow | None:
        """None when unknown or another's."""
        ...

    async def reading(self, principal: Principal | None) -> Reading | None:
        """The files of the open jobs whose process is alive; None when there is none.

        Those of `principal` and shared ones; all of them when `principal` is None.
        """
        ...

    async def entries(self, job_id: str, *, after: int, limit: int) -> tuple[JobEntry, ...]: ...


class JobFrames(Protocol):
    """A reader of a job's events."""

    def frames(self, *, silence_s: float) -> AsyncGenerator[JobEntry | None, None]:
        """In order until the terminal one; None after each `silence_s` without any."""
        ...


class IngestJobs(Protocol):
    """Uploads into the library, in the background."""

    def check(self, files: int) -> None:
        """Raise `Draining` or `ServerBusy` when that many more are not taken now."""
        ...

    async def submit(
        self,
        principal: Principal,
        uploads: "Sequence[UploadedFile]",
        *,
        tags: Sequence[str],
        largest: int,
    ) -> "tuple[str, tuple[UploadedFile, ...]]":
        """The job's id and the files that will be told of; takes over the files and their folder.

        `largest`: bytes of a file.
        """
        ...

    async def follow(self, principal: Principal, job_id: str, *, after: int) -> "JobFrames | None":
        """None when `after` is the job's last event. Raises `NotFound` for unknown or another's."""
        ...

    async def reading(self, principal: Principal | None) -> Reading | None:
        """What of the library `principal` may read is not in yet (of everyone's: None)."""
        ...

    def retitled(self, source_id: str) -> None:
        """A source has another title: its vectors are to be computed anew."""
        ...

    async def discard(self, keys: Sequence[str]) -> None:
        """Remove stored files."""
        ...


Vector = NDArray[np.float32]


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and version; vectors of different names are never compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def embed_query(self, text: str) -> Vector:
        """One unit vector, shape (dimensions,). Never blocks the event loop."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimensions)."""
        ...


@dataclass(slots=True)
class Upstream:
    """What one run has to do with its model service; `runs` reads it for the receipt.

    The transport writes the sockets, times in `time.monotonic()` seconds; `graph/translate.py`
    counts `deltas`, the pieces of answer text that came.
    """

    open_sockets: int = 0
    opened_at: float | None = None
    closed_at: float | None = None
    deltas: int = 0


DELTAS = "deltas"
"""In a chunk's `response_metadata`: how many deltas of the service it holds, when not one."""

REASONING = "reasoning_content"
"""In the `additional_kwargs` of a message or chunk: what the model thought, never its answer."""

RETRACTED = "retracted"
"""In a chunk's `response_metadata`: all text before it was reasoning."""

ENDED = "ended"
"""In a chunk's `response_metadata`: the service said that its stream ends here."""

current_upstream: ContextVar[Upstream | None] = ContextVar("current_upstream", default=None)
"""The run on whose behalf the current task talks to a model. Set by the answer engine."""
