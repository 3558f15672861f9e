"""Reasoning is shown while it streams, in few events."""

from datetime import UTC, datetime, timedelta

from app.domain.events import (
    MAX_REASONING,
    ReasoningCompleteEvent,
    ReasoningDeltaEvent,
    ReasoningStartEvent,
    Stage,
)
from app.graph.reasoning import Reasoning


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def thinks(reasoning: Reasoning, watch: Watch, *thoughts: str, pause_ms: float) -> list[Stage]:
    seen: list[Stage] = []
    for thought in thoughts:
        seen += reasoning.add(thought)
        watch.now += timedelta(milliseconds=pause_ms)
    return seen


def deltas(seen: list[Stage]) -> list[str]:
    return [event.content.text for event in seen if isinstance(event, ReasoningDeltaEvent)]


def test_pieces_follow_at_most_ten_times_a_second() -> None:
    watch = Watch()
    reasoning = Reasoning(watch)
    seen = thinks(reasoning, watch, *(f"{n} " for n in range(100)), pause_ms=10)
    assert isinstance(seen[0], ReasoningStartEvent)
    assert len(deltas(seen)) == 9
    [complete] = reasoning.complete()
    assert isinstance(complete, ReasoningCompleteEvent)
    assert complete.content.text.startswith("".join(deltas(seen)).strip())
    assert complete.content.text.endswith("99")


def test_a_short_thought_costs_no_more_events_than_before() -> None:
    watch = Watch()
    reasoning = Reasoning(watch)
    seen = [*thinks(reasoning, watch, "Passage ", "one.", pause_ms=20), *reasoning.complete()]
    assert [event.type for event in seen] == ["reasoning_start", "reasoning_complete"]


def test_a_repeated_call_begins_anew() -> None:
    watch = Watch()
    reasoning = Reasoning(watch)
    seen = thinks(reasoning, watch, "Perhaps ", "two.", pause_ms=150)
    reasoning.forget()
    seen += thinks(reasoning, watch, "No, ", "one.", pause_ms=150)
    seen += reasoning.complete()
    assert [event.type.removeprefix("reasoning_") for event in seen] == [
        "start", "delta", "start", "delta", "delta", "complete",
    ]  # fmt: skip
    assert deltas(seen[3:]) == ["No, ", "one."]


def test_thoughts_without_end_are_not_sent_without_end() -> None:
    watch = Watch()
    reasoning = Reasoning(watch)
    seen = thinks(reasoning, watch, *["x" * 50_000] * 9, pause_ms=200)
    assert sum(map(len, deltas(seen))) <= MAX_REASONING
