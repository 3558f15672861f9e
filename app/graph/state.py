"""The state of the graph. Values are immutable; a node returns only the keys it sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

from langchain_core.messages import BaseMessage

from app.domain.events import GradedPassage, QuestionKind
from app.domain.models import Candidate, SearchResult
from app.runs.ports import EngineResult, Question

NodeName = Literal[
    "plan",
    "retrieve",
    "rerank",
    "grade",
    "decompose",
    "rewrite",
    "tabulate",
    "quote",
    "generate",
]
MAX_REWRITES = 2
MAX_JUDGE_CALLS = 2 + 2 * MAX_REWRITES
"""Model calls before the answer: the standalone question, a verdict on each search, and new queries
after each but the last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered; `sources`: id and title of those it is about."""

    kind: QuestionKind
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One question of several: the ids of its passages; without any, what is nearest to it."""

    question: str
    kept: frozenset[str]
    nearest: tuple[Candidate, ...]


class AnswerState(TypedDict, total=False):
    """Filled from top to bottom; `ms` is how long the last node took."""

    question: Question
    plan: Plan  # absent: a plain lookup
    composed: str  # an answer put together without a model, from `kept`
    standalone: str  # the question in full words, its typing errors corrected
    query: str  # what is searched: the same, or rewritten
    queries: tuple[str, ...]  # searched in place of `query`, at the same time
    attempt: int  # searches so far
    model_calls: int  # so far; absent without a model
    carried: tuple[Candidate, ...]  # kept of the first search, when more is searched for
    found: SearchResult
    found_by_query: tuple[tuple[Candidate, ...], ...]
    unknown_by_query: tuple[tuple[str, ...], ...]  # as `unknown` of `found`
    ranked: tuple[Candidate, ...]
    ranked_by_query: tuple[tuple[Candidate, ...], ...]  # those of `ranked`, for each query
    parts: tuple["Part", ...]  # quoting mode: the questions of a message that asks several
    kept: tuple[Candidate, ...]
    first: tuple[
        Candidate, ...
    ]  # what scores would have answered from before the query was rewritten
    dropped: tuple[Candidate, ...]
    nearest: tuple[Candidate, ...]  # refused: what was found all the same, best first
    note: str | None  # about the ranking
    decision: Literal["answer", "rewrite", "refuse"]
    judge: Literal["score", "model"]
    graded: tuple[GradedPassage, ...]
    outside_filter: int | None  # passages outside the filter that look good enough
    quote: str  # quoting mode: the answer, whose markers count `kept`
    max_prompt_tokens: int | None  # estimated tokens that the model takes; None: unknown
    text: str  # an answer that was not streamed
    closing: str  # text appended to the answer, not written by the model
    ended: EngineResult
    ms: float


class Node(Protocol):
    """A step of the graph: reads the state, returns what it sets."""

    async def __call__(self, state: AnswerState) -> AnswerState:
        """Can be cancelled at any await; has no side effects to undo."""
        ...


class Judge(Protocol):
    """The model as a judge: one short call that is never streamed and never ends a run."""

    async def __call__(self, messages: Sequence[BaseMessage]) -> str | None:
        """The reply; None on failure or timeout."""
        ...
