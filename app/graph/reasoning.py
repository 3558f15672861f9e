"""Emits the model's reasoning as a stage: its start, then its text."""

from collections.abc import Callable, Iterator
from datetime import datetime

from app.domain.encoding import timestamp
from app.domain.events import MAX_REASONING, Stage
from app.graph import stage_events as stages


class Reasoning:
    """The reasoning of one answer. `now` provides the timestamps."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.open = False
        self._now = now
        self._parts: list[str] = []
        self._size = 0
        self._began_at: datetime | None = None

    def add(self, thought: str) -> Iterator[Stage]:
        """The next piece."""
        if not self.open and not thought.strip():
            return
        if self._size < MAX_REASONING:
            self._parts.append(thought)
            self._size += len(thought)
        if not self.open:
            self.open = True
            self._began_at = self._now()
            yield stages.reasoning_start(timestamp(self._began_at))

    def complete(self) -> Iterator[Stage]:
        """The reasoning has ended; the answer continues."""
        text, now = "".join(self._parts).strip(), self._now()
        took = now - (self._began_at or now)
        self.forget()
        self.open = False
        yield stages.reasoning_complete(text, took.total_seconds() * 1000, timestamp(now))

    def forget(self) -> None:
        """Discard the reasoning of a failed attempt."""
        self._parts, self._size = [], 0
