"""Emits the model's reasoning as a stage: its start, pieces of its text, then all of it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from app.domain.encoding import timestamp
from app.domain.events import MAX_REASONING, Stage
from app.graph import stage_events as stages

DELTA_INTERVAL: Final = timedelta(milliseconds=100)
"""Models think in hundreds of tokens a second; each event is stored and sent."""


class Reasoning:
    """The reasoning of one answer. `now` provides the timestamps."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.open = False
        self._now = now
        self._parts: list[str] = []
        self._size = 0
        self._sent = 0  # parts that were emitted
        self._sent_at: datetime | None = None
        self._began_at: datetime | None = None
        self._begins_anew = False

    def add(self, thought: str) -> Iterator[Stage]:
        """The next piece."""
        if not self.open and not thought.strip():
            return
        if self._size < MAX_REASONING:
            self._parts.append(thought)
            self._size += len(thought)
        now = self._now()
        if not self.open:
            self.open = True
            self._began_at = self._sent_at = now
            yield stages.reasoning_start(timestamp(now))
        elif self._sent < len(self._parts) and now - (self._sent_at or now) >= DELTA_INTERVAL:
            if self._begins_anew:
                self._begins_anew = False
                yield stages.reasoning_start(timestamp(now))
            text = "".join(self._parts[self._sent :])
            self._sent, self._sent_at = len(self._parts), now
            yield stages.reasoning_delta(text, timestamp(now))

    def complete(self) -> Iterator[Stage]:
        """The reasoning has ended; the answer continues."""
        text, now = "".join(self._parts).strip(), self._now()
        took = now - (self._began_at or now)
        self.forget()
        self.open = self._begins_anew = False
        yield stages.reasoning_complete(text, took.total_seconds() * 1000, timestamp(now))

    def forget(self) -> None:
        """Discard the reasoning of a failed attempt."""
        self._begins_anew |= self._sent > 0
        self._parts, self._size, self._sent = [], 0, 0
