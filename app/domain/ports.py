"""Ports between packages: interfaces that can be used without importing the adapter."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.conversation_models import Conversation, FoundConversation, Message
from app.domain.models import (
    EVERYTHING,
    Candidate,
    Feedback,
    Filters,
    LibraryCounts,
    Listing,
    OfferedModel,
    Page,
    Passage,
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
    """Hybrid search over the principal's readable sources. Filters apply to both searches."""

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        """At most `limit` candidates, best first. Raises `StoreUnavailable`."""
        ...


class WordLookup(Protocol):
    """How words are used in the sources that a principal can read."""

    async def word_use(
        self, principal: Principal, asked: Sequence[str], earlier: Sequence[str]
    ) -> WordUse:
        """Look up the words of a question (`asked`) and `earlier` ones, all in lower case.

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
        """Like `recent`, limited to conversations with each word of `query` in a message or title.

        Words match by prefix in messages, as substrings in titles.
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
        """Oldest first, or newest first. A cursor is only valid for the order it was made in.

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
        """Change the title without changing the order of the list."""
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
        """Hide the conversation. The caller must stop an active run."""
        ...

    async def restore(self, principal: Principal, session_id: str, *, at: datetime) -> Conversation:
        """Undo a deletion of at most 30 s ago."""
        ...

    async def purge(self, *, deleted_before: datetime) -> int:
        """Delete conversations hidden before that time without active runs. Returns the number."""
        ...


class Library(Protocol):
    """The sources and passages a principal may read."""

    async def sources(
        self, principal: Principal, listing: Listing = EVERYTHING, *, limit: int = 200
    ) -> Page[Source]:
        """A page of the readable sources. Raises `InvalidInput` for a cursor of another list."""
        ...

    async def counts(self, principal: Principal) -> LibraryCounts:
        """Totals of what the principal can read."""
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
        """The existing passages at these positions (inclusive), in order."""
        ...

    async def openings(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Passage, ...]]:
        """The first three passages of each readable source among these."""
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
        """The default first. Starts a background search for more models when one is due."""
        ...

    @property
    def is_searching(self) -> bool:
        """Whether more models may be found shortly."""
        ...

    async def choose(self, principal: Principal, name: str | None) -> str:
        """Return the model's name, or the default's if None. Raises `ModelNotOffered`."""
        ...


class Suggestions(Protocol):
    """Suggested questions about a source."""

    async def of(
        self, principal: Principal, source: Source, passages: Sequence[Passage]
    ) -> tuple[Suggestion, ...]:
        """At most three that the library can answer from this source, given all its passages."""
        ...


class FollowUps(Protocol):
    """Suggested questions after an answer."""

    async def after(
        self, principal: Principal, answer: Message, asked: Sequence[str]
    ) -> tuple[Suggestion, ...]:
        """At most three that the cited sources answer, excluding those in `asked`."""
        ...


Vector = NDArray[np.float32]


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and version. Only vectors with the same name are compared."""
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
    """Telemetry of a run's model calls. `runs` reads it for the receipt.

    The transport records the sockets, with times in `time.monotonic()` seconds.
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
"""Telemetry of the run whose model the current task calls. Set by the answer engine."""
