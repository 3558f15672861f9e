"""The domain model, as sent and stored. Immutable; units are in the field comments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SourceKind = Literal["document", "recording"]
QUOTING_MODEL = "extractive"
"""The model name of answers that are quotes. They contain no claims to verify."""
OnDisconnect = Literal["cancel", "continue"]
FinishReason = Literal["stop", "length", "content_filter", "stopped", "no_evidence"]
Access = Literal["private", "groups", "all"]


class Wire(BaseModel):
    """Base of models sent or stored as JSON. Immutable; unknown fields are rejected."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


def _day(value: object) -> object:
    """Accept a date as `YYYY-MM-DD` only: pydantic also reads times, and numbers as seconds."""
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise ValueError("must be a date like 2026-11-21")
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a date like 2026-11-21")
    return value


def absent(value: object) -> bool:
    """For `exclude_if`: optional fields added in later versions are omitted when unset."""
    return value is None


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Day = Annotated[date, BeforeValidator(_day)]
OptionalDay = Annotated[Day | None, Field(exclude_if=absent)]


class Filters(Wire):
    """Restricts a search. An empty tuple means no restriction; several entries are alternatives.

    `after` and `before` bound the day (UTC) on which a source was added: `after` is inclusive,
    `before` exclusive.
    """

    source_ids: tuple[Annotated[str, Field(max_length=200)], ...] = Field(
        default=(), max_length=500
    )
    kinds: tuple[SourceKind, ...] = Field(default=(), max_length=2)
    tags: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), max_length=100)
    after: OptionalDay = None
    before: OptionalDay = None

    @property
    def empty(self) -> bool:
        """Whether nothing is restricted."""
        return not (self.source_ids or self.kinds or self.tags or self.after or self.before)


class Usage(Wire):
    """Tokens of one answer. `estimated`: the model did not report them."""

    input_tokens: int
    output_tokens: int
    estimated: bool


class Timings(Wire):
    """Milliseconds since the start of the run; null for points not reached."""

    retrieval_ms: float | None
    first_token_ms: float | None
    total_ms: float


class Feedback(Wire):
    """A user's rating of an answer. The comment may be empty."""

    rating: Literal["up", "down"]
    comment: str


class Citation(Wire):
    """The evidence of one marker `[n]` in an answer. Fields that do not apply are null."""

    marker: int
    passage_id: str | None
    source_id: str | None
    title: str | None
    kind: SourceKind | None
    quote: str | None  # verbatim in the stored passage text ...
    quote_start: int | None  # ... from this character offset ...
    quote_end: int | None  # ... up to (not including) this one
    page: int | None  # 1-based
    start_s: float | None
    end_s: float | None
    speaker: str | None
    url: str | None
    verified: bool  # the quote supports the cited sentence
    support: str | None  # the reason, in a few words


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a source as stored and searched.

    `char_start`/`char_end` are offsets into the source's extracted text; `text` is that slice for
    documents, and the "Speaker: words" lines of the cues for recordings.
    """

    passage_id: str
    source_id: str
    title: str
    kind: SourceKind
    position: int  # 0-based order within the source
    text: str
    heading: str | None = None  # "Side effects > Serious", None at top level
    char_start: int = 0
    char_end: int = 0
    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    url: str | None = None
    structure: tuple["Span", ...] = ()  # rows, items and code; the rest is paragraphs
    cues: tuple["Cue", ...] = ()  # recordings: which characters of `text` were said when

    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start`..`end` of a passage's text are a `row`, an `item` or `code`."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cue:
    """Characters `start`..`end` of a recording passage's text were said at `start_s`..`end_s`."""

    start: int
    end: int
    start_s: float
    end_s: float
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage found for a query, with the raw signals that grading uses."""

    passage: Passage
    score: float  # fused, only comparable within one search
    cosine: float  # raw cosine similarity, -1..1
    bm25: float  # raw BM25, >= 0
    coverage: float  # idf-weighted share of the query's terms that occur in title or text, 0..1
    # Set by the reranker, else None. `proximity`, `rare_maxsim` and `missing_share` only consider
    # the query's topic words, weighted by idf.
    proximity: float | None = None  # the largest share within one window of words, 0..1
    maxsim: float | None = (
        None  # mean similarity of the query's words to their nearest tokens, -1..1
    )
    rare_maxsim: float | None = None  # the same for the rarest words only
    token_similarity: float | None = None  # the same, unweighted
    mean_cosine: float | None = (
        None  # mean cosine of all candidates: does the library cover the topic?
    )
    missing_share: float | None = (
        None  # the share of rare words that no top candidate matches, 0..1
    )


@dataclass(frozen=True, slots=True)
class Quotes:
    """An answer made of quotes: `[n]` means the passage with the index `cited[n - 1]`."""

    text: str
    cited: tuple[int, ...]
    unfinished: tuple[int, ...]  # elements of `cited` whose quoted list, table or code may continue


@dataclass(frozen=True, slots=True)
class Reranked:
    """All candidates of a search, best first, with `score` replaced by the reranker's."""

    candidates: tuple[Candidate, ...]
    note: str | None = None  # for the user: why the fallback order was used


class Reading(Wire):
    """Progress of running ingestions: `done` of `total` files."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ModelReach:
    """Whether the answer model's service is reachable. `reason`: why it is not."""

    reachable: bool | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model that a user may choose for a question, by `name`.

    Prices are in US dollars per million tokens. Unknown values are null.
    """

    name: str
    label: str
    provider: str
    sends_to: str | None  # host that receives passages; null: they stay on this server
    context_window: int | None  # tokens
    input_price: float | None
    output_price: float | None
    found: bool  # listed by an endpoint, not configured
    reachable: bool | None  # null: not checked yet, or no other host
    reason: str | None  # why it is unreachable


def reading_of(done: int, total: int) -> Reading | None:
    """None when no ingestion is running."""
    return Reading(done=done, total=total) if done < total else None


class Correction(Wire):
    """A word of the question that no source contains, and the library's word searched instead."""

    typed: str
    searched: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of one search, best first."""

    candidates: tuple[Candidate, ...]
    searched_passages: int  # passages that match the filters
    searched_sources: int
    reading: Reading | None = None  # ingestions that were running during the search
    corrected: tuple[Correction, ...] = ()  # corrections made to the query before this search
    unknown: tuple[str, ...] = ()  # names in the query that no readable source has


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question and its answer, oldest first in a history."""

    question: str
    answer: str
    interrupted: bool  # stopped or failed: the answer is partial
    answered: bool = True  # from passages: neither a refusal nor small talk


@dataclass(frozen=True, slots=True)
class WordUse:
    """How the readable library uses some words, all in lower case."""

    titled: frozenset[str] = frozenset()  # in the title of a source
    absent: frozenset[str] = frozenset()  # in no passage
    within: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each title word, the words of the question that occur in sources with that title."""


@dataclass(frozen=True, slots=True)
class FidelityNote:
    """Content missing from the text: `count` items of a kind, out of `total` if known.

    `kind` is part of the API: `pictures`, `pages_without_text`, `unreadable_parts`,
    `unreadable_pages`, `unreadable_chapters`, `embedded_files`, and others. For
    `doubtful_encoding`, `detail` is the encoding that the text was read as.
    """

    kind: str
    count: int
    total: int | None = None
    detail: Annotated[str | None, Field(exclude_if=absent)] = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document or recording of the library."""

    source_id: str
    owner_id: str
    shared: bool  # readable by everyone
    title: str
    kind: SourceKind
    name: str  # file name or path as ingested
    media_type: str
    content_hash: str  # sha256 hex of the bytes
    passage_count: int
    created_at: datetime
    pages: int | None = None
    duration_s: float | None = None
    tags: tuple[str, ...] = ()
    audio: bool = False  # has a playable file at /sources/{id}/file
    speakers: tuple[str, ...] = field(default=())
    shared_with: tuple[str, ...] = ()  # groups whose members can read it
    notes: tuple[FidelityNote, ...] = ()  # unknown for sources stored by older versions


Order = Literal["newest", "title", "longest"]


@dataclass(frozen=True, slots=True)
class Listing:
    """Options for listing sources. `cursor` continues after a page of the same listing."""

    query: str = ""  # each word must occur in title, name, a tag or a speaker
    kind: SourceKind | None = None
    order: Order = "newest"
    cursor: str | None = None


EVERYTHING = Listing()


@dataclass(frozen=True, slots=True)
class LibraryCounts:
    """Totals of what a principal can read."""

    documents: int
    recordings: int
    passages: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file stored beside the database under `key`, served with `media_type`."""

    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Similar:
    """A near-duplicate of a source; `similarity` is 0..1."""

    source_id: str
    title: str
    similarity: float


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list; `next` is the cursor of the following page, None at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested question that a source answers, and the passage it was derived from."""

    question: str
    passage_id: str
