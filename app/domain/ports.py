"""Ports between packages: interfaces that a package can use without importing the adapter."""

from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

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
    OfferedModel,
    Page,
    Passage,
    Reading,
    Reranked,
    SearchResult,
    Similar,
    Source,
    StoredFile,
    Suggestion,
    WordUse,
)
from app.domain.principals import Principal


class PassageSearch(Protocol):
    """Hybrid search over the principal's readable sources; filters apply to both searches."""

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        """At most `limit` candidates, best first. Raises `StoreUnavailable`."""
        ...


class WordLookup(Protocol):
    """How the sources that a principal can read use words."""

    async def word_use(
        self, principal: Principal, asked: Sequence[str], earlier: Sequence[str]
    ) -> WordUse:
        """Of the words of a question, `asked`, and of the `earlier` ones. Words in lower case.

        Raises `StoreUnavailable`.
        """
        ...


class Reranker(Protocol):
    """A second, more precise ranking of the candidates."""

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """All candidates, best first, with `score` replaced by the reranker's. Never raises."""
        ...


class Conversations(Protocol):
    """The conversations of a principal. Methods raise `NotFound` for unknown or others' ones.

    A deleted conversation is hidden everywhere; a new question with its id starts a new one.
    """

    async def recent(
        self, principal: Principal, *, limit: int, cursor: str | None = None
    ) -> Page[Conversation]:
        """Most recently used first. Raises `InvalidInput` for a cursor it did not make."""
        ...

    async def search(
        self, principal: Principal, query: str, *, limit: int, cursor: str | None = None
    ) -> Page[FoundConversation]:
        """As `recent`, limited to those with a message or title that contains each word of `query`.

        Words of messages match by prefix, titles by substring.
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
        """Store the principal's feedback on an answer; None removes it. Questions have none."""
        ...

    async def rename(self, principal: Principal, session_id: str, title: str) -> Conversation:
        """Change the title; the order of the list is unchanged."""
        ...

    async def set_filters(
        self, principal: Principal, session_id: str, filters: Filters
    ) -> Conversation:
        """Store the filters for the next question."""
        ...

    async def set_model(self, principal: Principal, session_id: str, model: str) -> Conversation:
        """Store the model for the next question."""
        ...

    async def delete(self, principal: Principal, session_id: str, *, at: datetime) -> None:
        """Hide the conversation. An active run is not stopped: the caller does that."""
        ...

    async def restore(self, principal: Principal, session_id: str, *, at: datetime) -> Conversation:
        """Undo a deletion of at most 30 s ago."""
        ...

    async def purge(self, *, deleted_before: datetime) -> int:
        """Purge conversations deleted before that time without active runs; returns the number."""
        ...


class Library(Protocol):
    """The sources and passages a principal may read."""

    async def sources(
        self, principal: Principal, listing: Listing = EVERYTHING, *, limit: int = 200
    ) -> Page[Source]:
        """A page of the readable sources. Raises `InvalidInput` for a cursor of another list."""
        ...

    async def counts(self, principal: Principal) -> LibraryCounts:
        """The totals."""
        ...

    async def source(self, principal: Principal, source_id: str) -> Source | None:
        """One source, None when unknown or not readable."""
        ...

    async def similar(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Similar, ...]]:
        """The principal's near-duplicates of these readable sources, best first."""
        ...

    async def passages(self, principal: Principal, source_id: str) -> tuple[Passage, ...]:
        """Every passage of a source in order; empty when unknown or not readable."""
        ...

    async def passages_between(
        self, principal: Principal, source_id: str, first: int, last: int
    ) -> tuple[Passage, ...]:
        """The passages at these positions, both included, as far as they exist, in order."""
        ...

    async def openings(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Passage, ...]]:
        """The first three passages of each of these sources that is readable."""
        ...

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None:
        """One passage, None when unknown or not readable."""
        ...

    async def file(self, principal: Principal, source_id: str) -> StoredFile | None:
        """The audio of a recording, else the original file; None when not readable."""
        ...

    async def unknown_sources(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> tuple[str, ...]:
        """Those of `source_ids` that are unknown or not readable."""
        ...


class Models(Protocol):
    """The answer models that a principal may choose from."""

    def offered(self, principal: Principal) -> tuple[OfferedModel, ...]:
        """The default first. Starts a search for more in the background when it is due."""
        ...

    @property
    def is_searching(self) -> bool:
        """Whether more models may be found in a moment."""
        ...

    async def choose(self, principal: Principal, name: str | None) -> str:
        """The model's name; without one the default's. Raises `ModelNotOffered`."""
        ...


class Suggestions(Protocol):
    """Suggested questions about a source."""

    async def of(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> tuple[Suggestion, ...]:
        """At most three that the library can answer from this source; `passages`: all of its."""
        ...


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A received file. `name` is the sender's: displayed, never used as a path."""

    file_id: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class JobRow:
    """An ingest job as stored. `silent_s`: seconds since its process last sent a heartbeat."""

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
"""After this time without a heartbeat a job's process counts as dead."""


class JobLog(Protocol):
    """The events of ingest jobs, numbered 1, 2, 3 … Raises `StoreUnavailable`."""

    async def create(
        self, principal: Principal, job_id: str, *, files: int, shared: bool = False
    ) -> None:
        """Create a job without events; jobs older than a day are removed.

        `shared`: the sources it stores are readable by everyone.
        """
        ...

    async def append(self, job_id: str, events: Sequence[tuple[str, bytes]], *, ends: bool) -> bool:
        """Append (type, data) pairs atomically; False, without any change, for an ended job."""
        ...

    async def add_files(self, job_id: str, files: int) -> None:
        """Count that many more files in the job: those found inside of others."""
        ...

    async def beat(self, job_ids: Sequence[str]) -> None:
        """Record a heartbeat of their process."""
        ...

    async def find(self, principal: Principal, job_id: str) -> JobRow | None:
        """The job; None when unknown or another owner's."""
        ...

    async def reading(self, principal: Principal | None) -> Reading | None:
        """Progress over the open jobs with a live process; None without such jobs.

        Includes jobs of `principal` and shared jobs; all jobs when `principal` is None.
        """
        ...

    async def entries(self, job_id: str, *, after: int, limit: int) -> tuple[JobEntry, ...]: ...


class Numbered(Protocol):
    """An event as it is sent."""

    @property
    def seq(self) -> int:
        """Its id."""
        ...

    @property
    def data(self) -> bytes:
        """Its compact JSON."""
        ...


class NumberedFrames(Protocol):
    """A cursor of a run or of a job."""

    def frames(self, *, silence_s: float) -> AsyncGenerator[Numbered | None, None]:
        """In order; None after each `silence_s` of silence."""
        ...


class IngestJobs(Protocol):
    """Background ingestion of uploads into the library."""

    def check(self, files: int) -> None:
        """Raise `Draining` or `ServerBusy` when that many more files are not accepted now."""
        ...

    async def submit(
        self,
        principal: Principal,
        uploads: "Sequence[UploadedFile]",
        *,
        tags: Sequence[str],
        largest: int,
    ) -> "tuple[str, tuple[UploadedFile, ...]]":
        """Start a job; returns its id and the files its events refer to. Moves files and folder.

        `largest`: maximum bytes of a file.
        """
        ...

    async def follow(
        self, principal: Principal, job_id: str, *, after: int
    ) -> NumberedFrames | None:
        """None when `after` is the job's last event. `NotFound` for unknown or others' jobs."""
        ...

    async def reading(self, principal: Principal | None) -> Reading | None:
        """Progress of running jobs of `principal` and shared ones; of all when None."""
        ...

    def retitled(self, source_id: str) -> None:
        """Schedule re-embedding of a source whose title has changed."""
        ...

    async def discard(self, keys: Sequence[str]) -> None:
        """Remove stored files."""
        ...


Vector = NDArray[np.float32]


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and version; only vectors of the same name are compared."""
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
    """Telemetry of a run's model calls; `runs` reads it for the receipt.

    The transport records the sockets, with times in `time.monotonic()` seconds;
    `graph/translate.py` counts `deltas`, the received pieces of answer text.
    """

    open_sockets: int = 0
    opened_at: float | None = None
    closed_at: float | None = None
    deltas: int = 0


DELTAS = "deltas"
"""In a chunk's `response_metadata`: the number of merged deltas, if not one."""

REASONING = "reasoning_content"
"""In the `additional_kwargs` of a message or chunk: reasoning, never answer text."""

RETRACTED = "retracted"
"""In a chunk's `response_metadata`: all text before this chunk was reasoning."""

ENDED = "ended"
"""In a chunk's `response_metadata`: the service marked the end of its stream."""

current_upstream: ContextVar[Upstream | None] = ContextVar("current_upstream", default=None)
"""Telemetry of the run that the current task calls a model for. Set by the answer engine."""
