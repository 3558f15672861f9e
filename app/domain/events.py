"""The events of a run: one frozen class per event, one discriminated union, one JSON form.

`to_json` writes the compact JSON of `specs/streaming-protocol.md` (keys `type`, `content`,
`timestamp`; NEL, LS and PS escaped because line readers split on them). `from_json` reads it back.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from app.domain.encoding import compact_json
from app.domain.errors import FailureCode
from app.domain.models import (
    Citation,
    Correction,
    Filters,
    FinishReason,
    Passage,
    Reading,
    SourceKind,
    Timings,
    Usage,
    Wire,
    absent,
)


class RunStartPayload(Wire):
    """Content of `run_start`."""

    stage: Literal["run"] = "run"
    status: Literal["started"] = "started"
    run_id: str
    session_id: str
    message_id: str
    model: str
    filters: Filters


class RunStartEvent(Wire):
    """First event of every run."""

    type: Literal["run_start"] = "run_start"
    content: RunStartPayload
    timestamp: str


QuestionKind = Literal[
    "greeting",
    "thanks",
    "farewell",
    "about",
    "unclear",
    "task",
    "inventory",
    "mentions",
    "details",
    "whole",
    "section",
    "comparison",
    "table",
    "multi_step",
    "lookup",
]
"""The kind of question. `details`: speakers, length or date of a source; `whole`: all of it;
`table`: a value computed from rows; `multi_step`: several searches; `lookup`: everything else,
answered by one search."""


class PlannedSource(Wire):
    """A source that the question is about."""

    source_id: str
    title: str


class PlanningCompletePayload(Wire):
    """Content of `planning_complete`; `sources` holds at most twenty.

    `queries`: what is searched next, for a question of several parts or steps. `model_calls`: how
    often the model was called so far, of at most `max_model_calls` before the answer.
    """

    stage: Literal["planning"] = "planning"
    status: Literal["complete"] = "complete"
    kind: QuestionKind
    sources: tuple[PlannedSource, ...]
    ms: float
    queries: Annotated[tuple[str, ...] | None, Field(exclude_if=absent)] = None
    model_calls: Annotated[int | None, Field(exclude_if=absent)] = None
    max_model_calls: Annotated[int | None, Field(exclude_if=absent)] = None


class PlanningCompleteEvent(Wire):
    """The question is not a simple lookup: several searches, whole sources, or no search at all."""

    type: Literal["planning_complete"] = "planning_complete"
    content: PlanningCompletePayload
    timestamp: str


class RetrievalStartPayload(Wire):
    """Content of `retrieval_start`; `attempt` counts from 1."""

    stage: Literal["retrieval"] = "retrieval"
    status: Literal["started"] = "started"
    attempt: int


class RetrievalStartEvent(Wire):
    """A search starts."""

    type: Literal["retrieval_start"] = "retrieval_start"
    content: RetrievalStartPayload
    timestamp: str


class FoundPassage(Wire):
    """One passage as the page shows it; `score` is comparable within its event only."""

    passage_id: str
    source_id: str
    title: str
    kind: SourceKind
    score: float
    heading: str | None
    page: int | None
    start_s: float | None


class RetrievalCompletePayload(Wire):
    """Content of `retrieval_complete`; `top` holds at most ten candidates, best first.

    `reading`: progress of an ingestion that was running during the search. `corrected`: words
    treated as typing errors; `query` contains the corrections.
    """

    stage: Literal["retrieval"] = "retrieval"
    status: Literal["complete"] = "complete"
    attempt: int
    doc_count: int  # candidate passages found
    searched_passages: int
    searched_sources: int
    ms: float
    query: str
    filters: Filters
    top: tuple[FoundPassage, ...]
    reading: Annotated[Reading | None, Field(exclude_if=absent)] = None
    corrected: Annotated[tuple[Correction, ...] | None, Field(exclude_if=absent)] = None


class RetrievalCompleteEvent(Wire):
    """A search has ended."""

    type: Literal["retrieval_complete"] = "retrieval_complete"
    content: RetrievalCompletePayload
    timestamp: str


class RerankingStartPayload(Wire):
    """Content of `reranking_start`."""

    stage: Literal["reranking"] = "reranking"
    status: Literal["started"] = "started"


class RerankingStartEvent(Wire):
    """Reranking of the candidates starts."""

    type: Literal["reranking_start"] = "reranking_start"
    content: RerankingStartPayload
    timestamp: str


class RerankingCompletePayload(Wire):
    """Content of `reranking_complete`; `note`: why the fallback order was used."""

    stage: Literal["reranking"] = "reranking"
    status: Literal["complete"] = "complete"
    kept: tuple[FoundPassage, ...]
    dropped: tuple[FoundPassage, ...]
    ms: float
    note: Annotated[str | None, Field(exclude_if=absent)] = None


class RerankingCompleteEvent(Wire):
    """Reranking has ended."""

    type: Literal["reranking_complete"] = "reranking_complete"
    content: RerankingCompletePayload
    timestamp: str


class GradingStartPayload(Wire):
    """Content of `grading_start`."""

    stage: Literal["grading"] = "grading"
    status: Literal["started"] = "started"


class GradingStartEvent(Wire):
    """Judging of the evidence starts."""

    type: Literal["grading_start"] = "grading_start"
    content: GradingStartPayload
    timestamp: str


class GradedPassage(Wire):
    """The decision on one passage, and its reason."""

    passage_id: str
    source_id: str
    title: str
    kept: bool
    reason: str


class GradingCompletePayload(Wire):
    """Content of `grading_complete`; `judge`: whether scores or the model decided."""

    stage: Literal["grading"] = "grading"
    status: Literal["complete"] = "complete"
    decision: Literal["answer", "rewrite", "refuse"]
    judge: Literal["score", "model"]
    passages: tuple[GradedPassage, ...]
    outside_filter: int | None  # refused with a filter: relevant passages outside it
    ms: float


class GradingCompleteEvent(Wire):
    """The evidence was judged."""

    type: Literal["grading_complete"] = "grading_complete"
    content: GradingCompletePayload
    timestamp: str


class RewritingStartPayload(Wire):
    """Content of `rewriting_start`."""

    stage: Literal["rewriting"] = "rewriting"
    status: Literal["started"] = "started"


class RewritingStartEvent(Wire):
    """Rewriting of the query starts; another search follows."""

    type: Literal["rewriting_start"] = "rewriting_start"
    content: RewritingStartPayload
    timestamp: str


class RewritingCompletePayload(Wire):
    """Content of `rewriting_complete`: the query that is searched next."""

    stage: Literal["rewriting"] = "rewriting"
    status: Literal["complete"] = "complete"
    query: str
    ms: float


class RewritingCompleteEvent(Wire):
    """The query was rewritten."""

    type: Literal["rewriting_complete"] = "rewriting_complete"
    content: RewritingCompletePayload
    timestamp: str


class MarkedPassage(Wire):
    """The passage that `[marker]` refers to in the answer that follows."""

    marker: int
    passage_id: str
    source_id: str
    title: str
    kind: SourceKind
    text: str
    heading: str | None
    page: int | None
    start_s: float | None
    speaker: str | None

    def passage(self) -> Passage:
        """The passage, restored from the event (without its cues)."""
        return Passage(
            passage_id=self.passage_id,
            source_id=self.source_id,
            title=self.title,
            kind=self.kind,
            position=0,
            text=self.text,
            heading=self.heading,
            page=self.page,
            start_s=self.start_s,
            speaker=self.speaker,
        )


class Omitted(Wire):
    """What was omitted from a prompt to fit the model's context window."""

    turns: int  # earlier turns left out
    summarized_turns: int  # earlier turns reduced to one line each
    passages: int


class GenerationStartPayload(Wire):
    """Content of `generation_start`; `omitted` is absent when the prompt is complete.

    The event is sent again, before the first token, if the model rejects the prompt's length;
    the last one counts.
    """

    stage: Literal["generation"] = "generation"
    status: Literal["started"] = "started"
    passages: tuple[MarkedPassage, ...]
    omitted: Annotated[Omitted | None, Field(exclude_if=absent)] = None


class GenerationStartEvent(Wire):
    """Generation starts; tokens follow."""

    type: Literal["generation_start"] = "generation_start"
    content: GenerationStartPayload
    timestamp: str


class ReasoningStartPayload(Wire):
    """Content of `reasoning_start`."""

    stage: Literal["reasoning"] = "reasoning"
    status: Literal["started"] = "started"


class ReasoningStartEvent(Wire):
    """The model emits reasoning before its answer. Sent again when reasoning restarts."""

    type: Literal["reasoning_start"] = "reasoning_start"
    content: ReasoningStartPayload
    timestamp: str


class ReasoningDeltaPayload(Wire):
    """Content of `reasoning_delta`: the next piece of the reasoning."""

    stage: Literal["reasoning"] = "reasoning"
    status: Literal["streaming"] = "streaming"
    text: str


class ReasoningDeltaEvent(Wire):
    """More reasoning, a few times a second. `reasoning_complete` has the whole text."""

    type: Literal["reasoning_delta"] = "reasoning_delta"
    content: ReasoningDeltaPayload
    timestamp: str


class ReasoningCompletePayload(Wire):
    """Content of `reasoning_complete`: the reasoning text, at most `MAX_REASONING` characters."""

    stage: Literal["reasoning"] = "reasoning"
    status: Literal["complete"] = "complete"
    text: str
    ms: float


class ReasoningCompleteEvent(Wire):
    """The reasoning has ended; the answer follows."""

    type: Literal["reasoning_complete"] = "reasoning_complete"
    content: ReasoningCompletePayload
    timestamp: str


MAX_REASONING = 100_000
"""Characters."""


class Token(Wire):
    """The next piece of the answer, including `[n]` markers."""

    type: Literal["token"] = "token"
    content: str
    timestamp: str


class CitationsPayload(Wire):
    """Content of `citations`, in order of first appearance of their markers."""

    stage: Literal["citations"] = "citations"
    status: Literal["complete"] = "complete"
    citations: tuple[Citation, ...]


class Citations(Wire):
    """Sent once, after the last token."""

    type: Literal["citations"] = "citations"
    content: CitationsPayload
    timestamp: str


class ResetPayload(Wire):
    """Content of `reset`: the whole answer up to this frame's id. Stored resets have no text."""

    stage: Literal["run"] = "run"
    status: Literal["reset"] = "reset"
    text: str
    citations: tuple[Citation, ...]


class Reset(Wire):
    """Replaces the viewer's text. Sent for a position that can no longer be served.

    Stored only when text turned out to be reasoning: the answer begins after the reset.
    """

    type: Literal["reset"] = "reset"
    content: ResetPayload
    timestamp: str


class DonePayload(Wire):
    """Content of `done`."""

    finish_reason: FinishReason
    message_id: str
    saved: bool
    usage: Usage
    timings: Timings


class Done(Wire):
    """Terminal: the answer is complete or was stopped by the user."""

    type: Literal["done"] = "done"
    content: DonePayload
    timestamp: str


class ErrorPayload(Wire):
    """Content of `error`; `partial`: tokens were sent before it."""

    code: FailureCode
    message: str
    retryable: bool
    partial: bool
    saved: bool


class Error(Wire):
    """Terminal: the run failed. Text already sent remains valid."""

    type: Literal["error"] = "error"
    content: ErrorPayload
    timestamp: str


Stage = (
    RunStartEvent
    | PlanningCompleteEvent
    | RetrievalStartEvent
    | RetrievalCompleteEvent
    | RerankingStartEvent
    | RerankingCompleteEvent
    | GradingStartEvent
    | GradingCompleteEvent
    | RewritingStartEvent
    | RewritingCompleteEvent
    | GenerationStartEvent
    | ReasoningStartEvent
    | ReasoningDeltaEvent
    | ReasoningCompleteEvent
    | Citations
    | Reset
)
Terminal = Done | Error
Event = Annotated[Stage | Token | Terminal, Field(discriminator="type")]
TERMINAL_TYPES = frozenset({"done", "error"})

EVENT: TypeAdapter[Stage | Token | Terminal] = TypeAdapter(Event)


def token_json(text: str, timestamp: str) -> bytes:
    """The JSON of a `token`, written without building the model because this is the hot path."""
    return b'{"type":"token","content":%b,"timestamp":"%b"}' % (
        compact_json(text),
        timestamp.encode(),
    )


def to_json(event: Stage | Token | Terminal) -> bytes:
    """The JSON of an event: compact, with keys in the order type, content, timestamp."""
    if isinstance(event, Token):
        return token_json(event.content, event.timestamp)
    return compact_json(event)


def from_json(data: bytes | str) -> Stage | Token | Terminal:
    """Parse an event. Raises pydantic's `ValidationError` for anything else."""
    return EVENT.validate_json(data)
