"""What the nodes of one run share. Every value is immutable; a node returns only what it sets."""

from collections.abc import Sequence
from typing import Literal, Protocol, TypedDict

from langchain_core.messages import BaseMessage

from app.domain.events import GradedPassage
from app.domain.models import Candidate, SearchResult
from app.runs.ports import EngineResult, Question

NodeName = Literal["retrieve", "rerank", "grade", "rewrite", "generate"]
MAX_REWRITES = 2


class AnswerState(TypedDict, total=False):
    """Filled from top to bottom; `ms` is how long the last node took."""

    question: Question
    query: str  # what is searched: the question, with the conversation's key terms, or rewritten
    attempt: int  # searches so far
    found: SearchResult
    ranked: tuple[Candidate, ...]
    kept: tuple[Candidate, ...]
    first: tuple[
        Candidate, ...
    ]  # what scores would have answered from before the query was rewritten
    dropped: tuple[Candidate, ...]
    note: str | None  # about their order
    decision: Literal["answer", "rewrite", "refuse"]
    judge: Literal["score", "model"]
    graded: tuple[GradedPassage, ...]
    outside_filter: int | None  # passages outside the filter that look good enough
    text: str  # an answer that was not streamed
    closing: str  # what is said after the answer, in words that are not the model's
    ended: EngineResult
    ms: float


class Node(Protocol):
    """A step of the graph: reads the state, returns what it sets."""

    async def __call__(self, state: AnswerState) -> AnswerState:
        """May be cancelled at any await; holds nothing that would need undoing."""
        ...


class Judge(Protocol):
    """The model as a judge: one short call that is never streamed and never ends a run."""

    async def __call__(self, messages: Sequence[BaseMessage]) -> str | None:
        """The reply; None when there is none in time, for whatever reason."""
        ...
