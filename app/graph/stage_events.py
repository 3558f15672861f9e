"""Builds the stage events from what the nodes returned. Pure; `at` is the wire timestamp."""

from collections.abc import Iterable

from app.domain.events import (
    MAX_REASONING,
    FoundPassage,
    GenerationStartEvent,
    GenerationStartPayload,
    GradingCompleteEvent,
    GradingCompletePayload,
    GradingStartEvent,
    GradingStartPayload,
    MarkedPassage,
    Omitted,
    PlannedSource,
    PlanningCompleteEvent,
    PlanningCompletePayload,
    ReasoningCompleteEvent,
    ReasoningCompletePayload,
    ReasoningDeltaEvent,
    ReasoningDeltaPayload,
    ReasoningStartEvent,
    ReasoningStartPayload,
    RerankingCompleteEvent,
    RerankingCompletePayload,
    RerankingStartEvent,
    RerankingStartPayload,
    RetrievalCompleteEvent,
    RetrievalCompletePayload,
    RetrievalStartEvent,
    RetrievalStartPayload,
    RewritingCompleteEvent,
    RewritingCompletePayload,
    RewritingStartEvent,
    RewritingStartPayload,
)
from app.domain.models import Candidate, Filters
from app.graph.state import MAX_JUDGE_CALLS, AnswerState

TOP = 10


def found_passages(candidates: Iterable[Candidate]) -> tuple[FoundPassage, ...]:
    """Candidates as the evidence line shows them."""
    return tuple(
        FoundPassage(
            passage_id=c.passage.passage_id,
            source_id=c.passage.source_id,
            title=c.passage.title,
            kind=c.passage.kind,
            score=round(c.score, 4),
            heading=c.passage.heading,
            page=c.passage.page,
            start_s=c.passage.start_s,
        )
        for c in candidates
    )


def planning_complete(state: AnswerState, at: str) -> PlanningCompleteEvent:
    """From the output of `plan`, `decompose` or `tabulate`."""
    plan = state["plan"]
    calls = state.get("model_calls") if plan.kind == "multi_step" else None
    content = PlanningCompletePayload(
        kind=plan.kind,
        sources=tuple(PlannedSource(source_id=one, title=title) for one, title in plan.sources),
        ms=round(state["ms"], 1),
        queries=state.get("queries") or None,
        model_calls=calls,
        max_model_calls=None if calls is None else MAX_JUDGE_CALLS,
    )
    return PlanningCompleteEvent(content=content, timestamp=at)


def retrieval_start(attempt: int, at: str) -> RetrievalStartEvent:
    """A search begins."""
    return RetrievalStartEvent(content=RetrievalStartPayload(attempt=attempt), timestamp=at)


def retrieval_complete(state: AnswerState, filters: Filters, at: str) -> RetrievalCompleteEvent:
    """From the output of `retrieve`."""
    found = state["found"]
    content = RetrievalCompletePayload(
        attempt=state["attempt"],
        doc_count=len(found.candidates),
        searched_passages=found.searched_passages,
        searched_sources=found.searched_sources,
        ms=round(state["ms"], 1),
        query=state["query"],
        filters=filters,
        top=found_passages(found.candidates[:TOP]),
        reading=found.reading,
        corrected=found.corrected or None,
    )
    return RetrievalCompleteEvent(content=content, timestamp=at)


def reranking_start(at: str) -> RerankingStartEvent:
    """The candidates are put in order."""
    return RerankingStartEvent(content=RerankingStartPayload(), timestamp=at)


def reranking_complete(state: AnswerState, at: str) -> RerankingCompleteEvent:
    """From the output of `rerank`; of the dropped ones the best `TOP`."""
    content = RerankingCompletePayload(
        kept=found_passages(state["ranked"]),
        dropped=found_passages(state["dropped"][:TOP]),
        note=state.get("note"),
        ms=round(state["ms"], 1),
    )
    return RerankingCompleteEvent(content=content, timestamp=at)


def grading_start(at: str) -> GradingStartEvent:
    """The evidence is judged."""
    return GradingStartEvent(content=GradingStartPayload(), timestamp=at)


def grading_complete(state: AnswerState, at: str) -> GradingCompleteEvent:
    """From the output of `grade`."""
    content = GradingCompletePayload(
        decision=state["decision"],
        judge=state["judge"],
        passages=state["graded"],
        outside_filter=state.get("outside_filter"),
        ms=round(state["ms"], 1),
    )
    return GradingCompleteEvent(content=content, timestamp=at)


def rewriting_start(at: str) -> RewritingStartEvent:
    """The query is rewritten."""
    return RewritingStartEvent(content=RewritingStartPayload(), timestamp=at)


def rewriting_complete(state: AnswerState, at: str) -> RewritingCompleteEvent:
    """From the output of `rewrite`."""
    content = RewritingCompletePayload(query=state["query"], ms=round(state["ms"], 1))
    return RewritingCompleteEvent(content=content, timestamp=at)


def generation_start(
    kept: Iterable[Candidate], omitted: Omitted | None, at: str
) -> GenerationStartEvent:
    """What `[n]` will mean: the kept passages, numbered from 1."""
    passages = tuple(
        MarkedPassage(
            marker=number,
            passage_id=c.passage.passage_id,
            source_id=c.passage.source_id,
            title=c.passage.title,
            kind=c.passage.kind,
            text=c.passage.text,
            heading=c.passage.heading,
            page=c.passage.page,
            start_s=c.passage.start_s,
            speaker=c.passage.speaker,
        )
        for number, c in enumerate(kept, start=1)
    )
    content = GenerationStartPayload(passages=passages, omitted=omitted)
    return GenerationStartEvent(content=content, timestamp=at)


def reasoning_start(at: str) -> ReasoningStartEvent:
    """The model thinks."""
    return ReasoningStartEvent(content=ReasoningStartPayload(), timestamp=at)


def reasoning_delta(text: str, at: str) -> ReasoningDeltaEvent:
    """It goes on thinking."""
    return ReasoningDeltaEvent(content=ReasoningDeltaPayload(text=text), timestamp=at)


def reasoning_complete(text: str, ms: float, at: str) -> ReasoningCompleteEvent:
    """It has thought this."""
    content = ReasoningCompletePayload(text=text[:MAX_REASONING], ms=round(ms, 1))
    return ReasoningCompleteEvent(content=content, timestamp=at)
