"""The events of a run. Generated: `python -m scripts.client_models`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Citation(_Model):
    """The evidence of one marker `[n]` in an answer. Fields that do not apply are null."""

    marker: int
    passage_id: str | None
    source_id: str | None
    title: str | None
    kind: Literal["document", "recording"] | str | None
    quote: str | None
    quote_start: int | None
    quote_end: int | None
    page: int | None
    start_s: float | None
    end_s: float | None
    speaker: str | None
    url: str | None
    verified: bool
    support: str | None


class CitationsPayload(_Model):
    """Content of `citations`, in order of first appearance of their markers."""

    stage: Literal["citations"] = "citations"
    status: Literal["complete"] = "complete"
    citations: tuple[Citation, ...]


class Citations(_Model):
    """Sent once, after the last token."""

    type: Literal["citations"] = "citations"
    content: CitationsPayload
    timestamp: str


class Correction(_Model):
    """A word of the question that no source contains, and the library's word searched instead."""

    typed: str
    searched: str


class Timings(_Model):
    """Milliseconds since the start of the run; null for points not reached."""

    retrieval_ms: float | None
    first_token_ms: float | None
    total_ms: float


class Usage(_Model):
    """Tokens of one answer. `estimated`: the model did not report them."""

    input_tokens: int
    output_tokens: int
    estimated: bool


class DonePayload(_Model):
    """Content of `done`."""

    finish_reason: Literal["stop", "length", "content_filter", "stopped", "no_evidence"] | str
    message_id: str
    saved: bool
    usage: Usage
    timings: Timings


class Done(_Model):
    """Terminal: the answer is complete or was stopped by the user."""

    type: Literal["done"] = "done"
    content: DonePayload
    timestamp: str


class ErrorPayload(_Model):
    """Content of `error`; `partial`: tokens were sent before it."""

    code: (
        Literal[
            "RETRIEVAL_FAILED",
            "GENERATION_FAILED",
            "UPSTREAM_TRUNCATED",
            "UPSTREAM_RATE_LIMITED",
            "UPSTREAM_UNAVAILABLE",
            "TIMEOUT",
            "INTERRUPTED",
            "CONTENT_FILTERED",
            "INTERNAL",
        ]
        | str
    )
    message: str
    retryable: bool
    partial: bool
    saved: bool


class Error(_Model):
    """Terminal: the run failed. Text already sent remains valid."""

    type: Literal["error"] = "error"
    content: ErrorPayload
    timestamp: str


class Filters(_Model):
    """Restricts a search. An empty tuple means no restriction; several entries are alternatives.

    `after` and `before` bound the day (UTC) on which a source was added: `after` is inclusive,
    `before` exclusive.
    """

    source_ids: tuple[str, ...] = ()
    kinds: tuple[Literal["document", "recording"], ...] = ()
    tags: tuple[str, ...] = ()
    after: date | None = None
    before: date | None = None


class FoundPassage(_Model):
    """One passage as the page shows it; `score` is comparable within its event only."""

    passage_id: str
    source_id: str
    title: str
    kind: Literal["document", "recording"] | str
    score: float
    heading: str | None
    page: int | None
    start_s: float | None


class MarkedPassage(_Model):
    """The passage that `[marker]` refers to in the answer that follows."""

    marker: int
    passage_id: str
    source_id: str
    title: str
    kind: Literal["document", "recording"] | str
    text: str
    heading: str | None
    page: int | None
    start_s: float | None
    speaker: str | None


class Omitted(_Model):
    """What was omitted from a prompt to fit the model's context window."""

    turns: int
    summarized_turns: int
    passages: int


class GenerationStartPayload(_Model):
    """Content of `generation_start`; `omitted` is absent when the prompt is complete.

    The event is sent again, before the first token, if the model rejects the prompt's length;
    the last one counts.
    """

    stage: Literal["generation"] = "generation"
    status: Literal["started"] = "started"
    passages: tuple[MarkedPassage, ...]
    omitted: Omitted | None = None


class GenerationStartEvent(_Model):
    """Generation starts; tokens follow."""

    type: Literal["generation_start"] = "generation_start"
    content: GenerationStartPayload
    timestamp: str


class GradedPassage(_Model):
    """The decision on one passage, and its reason."""

    passage_id: str
    source_id: str
    title: str
    kept: bool
    reason: str


class GradingCompletePayload(_Model):
    """Content of `grading_complete`; `judge`: whether scores or the model decided."""

    stage: Literal["grading"] = "grading"
    status: Literal["complete"] = "complete"
    decision: Literal["answer", "rewrite", "refuse"] | str
    judge: Literal["score", "model"] | str
    passages: tuple[GradedPassage, ...]
    outside_filter: int | None
    ms: float


class GradingCompleteEvent(_Model):
    """The evidence was judged."""

    type: Literal["grading_complete"] = "grading_complete"
    content: GradingCompletePayload
    timestamp: str


class GradingStartPayload(_Model):
    """Content of `grading_start`."""

    stage: Literal["grading"] = "grading"
    status: Literal["started"] = "started"


class GradingStartEvent(_Model):
    """Judging of the evidence starts."""

    type: Literal["grading_start"] = "grading_start"
    content: GradingStartPayload
    timestamp: str


class PlannedSource(_Model):
    """A source that the question is about."""

    source_id: str
    title: str


class PlanningCompletePayload(_Model):
    """Content of `planning_complete`; `sources` holds at most twenty.

    `queries`: what is searched next, for a question of several parts or steps. `model_calls`: how
    often the model was called so far, of at most `max_model_calls` before the answer.
    """

    stage: Literal["planning"] = "planning"
    status: Literal["complete"] = "complete"
    kind: (
        Literal[
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
        | str
    )
    sources: tuple[PlannedSource, ...]
    ms: float
    queries: tuple[str, ...] | None = None
    model_calls: int | None = None
    max_model_calls: int | None = None


class PlanningCompleteEvent(_Model):
    """The question is not a simple lookup: several searches, whole sources, or no search at all."""

    type: Literal["planning_complete"] = "planning_complete"
    content: PlanningCompletePayload
    timestamp: str


class Reading(_Model):
    """Progress of running ingestions: `done` of `total` files."""

    done: int
    total: int


class ReasoningCompletePayload(_Model):
    """Content of `reasoning_complete`: the reasoning text, at most `MAX_REASONING` characters."""

    stage: Literal["reasoning"] = "reasoning"
    status: Literal["complete"] = "complete"
    text: str
    ms: float


class ReasoningCompleteEvent(_Model):
    """The reasoning has ended; the answer follows."""

    type: Literal["reasoning_complete"] = "reasoning_complete"
    content: ReasoningCompletePayload
    timestamp: str


class ReasoningDeltaPayload(_Model):
    """Content of `reasoning_delta`: the next piece of the reasoning."""

    stage: Literal["reasoning"] = "reasoning"
    status: Literal["streaming"] = "streaming"
    text: str


class ReasoningDeltaEvent(_Model):
    """More reasoning, a few times a second. `reasoning_complete` has the whole text."""

    type: Literal["reasoning_delta"] = "reasoning_delta"
    content: ReasoningDeltaPayload
    timestamp: str


class ReasoningStartPayload(_Model):
    """Content of `reasoning_start`."""

    stage: Literal["reasoning"] = "reasoning"
    status: Literal["started"] = "started"


class ReasoningStartEvent(_Model):
    """The model emits reasoning before its answer. Sent again when reasoning restarts."""

    type: Literal["reasoning_start"] = "reasoning_start"
    content: ReasoningStartPayload
    timestamp: str


class RerankingCompletePayload(_Model):
    """Content of `reranking_complete`; `note`: why the fallback order was used."""

    stage: Literal["reranking"] = "reranking"
    status: Literal["complete"] = "complete"
    kept: tuple[FoundPassage, ...]
    dropped: tuple[FoundPassage, ...]
    ms: float
    note: str | None = None


class RerankingCompleteEvent(_Model):
    """Reranking has ended."""

    type: Literal["reranking_complete"] = "reranking_complete"
    content: RerankingCompletePayload
    timestamp: str


class RerankingStartPayload(_Model):
    """Content of `reranking_start`."""

    stage: Literal["reranking"] = "reranking"
    status: Literal["started"] = "started"


class RerankingStartEvent(_Model):
    """Reranking of the candidates starts."""

    type: Literal["reranking_start"] = "reranking_start"
    content: RerankingStartPayload
    timestamp: str


class ResetPayload(_Model):
    """Content of `reset`: the whole answer up to this frame's id. Stored resets have no text."""

    stage: Literal["run"] = "run"
    status: Literal["reset"] = "reset"
    text: str
    citations: tuple[Citation, ...]


class Reset(_Model):
    """Replaces the viewer's text. Sent for a position that can no longer be served.

    Stored only when text turned out to be reasoning: the answer begins after the reset.
    """

    type: Literal["reset"] = "reset"
    content: ResetPayload
    timestamp: str


class RetrievalCompletePayload(_Model):
    """Content of `retrieval_complete`; `top` holds at most ten candidates, best first.

    `reading`: progress of an ingestion that was running during the search. `corrected`: words
    treated as typing errors; `query` contains the corrections.
    """

    stage: Literal["retrieval"] = "retrieval"
    status: Literal["complete"] = "complete"
    attempt: int
    doc_count: int
    searched_passages: int
    searched_sources: int
    ms: float
    query: str
    filters: Filters
    top: tuple[FoundPassage, ...]
    reading: Reading | None = None
    corrected: tuple[Correction, ...] | None = None


class RetrievalCompleteEvent(_Model):
    """A search has ended."""

    type: Literal["retrieval_complete"] = "retrieval_complete"
    content: RetrievalCompletePayload
    timestamp: str


class RetrievalStartPayload(_Model):
    """Content of `retrieval_start`; `attempt` counts from 1."""

    stage: Literal["retrieval"] = "retrieval"
    status: Literal["started"] = "started"
    attempt: int


class RetrievalStartEvent(_Model):
    """A search starts."""

    type: Literal["retrieval_start"] = "retrieval_start"
    content: RetrievalStartPayload
    timestamp: str


class RewritingCompletePayload(_Model):
    """Content of `rewriting_complete`: the query that is searched next."""

    stage: Literal["rewriting"] = "rewriting"
    status: Literal["complete"] = "complete"
    query: str
    ms: float


class RewritingCompleteEvent(_Model):
    """The query was rewritten."""

    type: Literal["rewriting_complete"] = "rewriting_complete"
    content: RewritingCompletePayload
    timestamp: str


class RewritingStartPayload(_Model):
    """Content of `rewriting_start`."""

    stage: Literal["rewriting"] = "rewriting"
    status: Literal["started"] = "started"


class RewritingStartEvent(_Model):
    """Rewriting of the query starts; another search follows."""

    type: Literal["rewriting_start"] = "rewriting_start"
    content: RewritingStartPayload
    timestamp: str


class RunStartPayload(_Model):
    """Content of `run_start`."""

    stage: Literal["run"] = "run"
    status: Literal["started"] = "started"
    run_id: str
    session_id: str
    message_id: str
    model: str
    filters: Filters


class RunStartEvent(_Model):
    """First event of every run."""

    type: Literal["run_start"] = "run_start"
    content: RunStartPayload
    timestamp: str


class Token(_Model):
    """The next piece of the answer, including `[n]` markers."""

    type: Literal["token"] = "token"
    content: str
    timestamp: str


Event = (
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
    | Token
    | Done
    | Error
)

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
