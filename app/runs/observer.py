"""Hooks into the life of runs. Called a few times per run, never per token.

Methods must not block or raise.
"""

from typing import Protocol

from app.runs.active_run import LiveRun
from app.runs.ports import ClosedRun


class RunObserver(Protocol):
    """Receives the lifecycle events of the runs of one process."""

    def started(self, run: LiveRun, question: str) -> None:
        """A question was accepted by this process."""
        ...

    def first_token(self, seconds: float) -> None:
        """The first token was emitted `seconds` after the question was accepted."""
        ...

    def ended(self, run: LiveRun, closed_run: ClosedRun) -> None:
        """The run's outcome is known, but may not be saved yet."""
        ...

    def unsaved(self) -> None:
        """The viewers of a run were released before the database stored its end."""
        ...

    def closed(self, run: LiveRun) -> None:
        """Called last for every run started here, however it ended."""
        ...


class NullRunObserver:
    """Ignores everything."""

    def started(self, run: LiveRun, question: str) -> None: ...

    def first_token(self, seconds: float) -> None: ...

    def ended(self, run: LiveRun, closed_run: ClosedRun) -> None: ...

    def unsaved(self) -> None: ...

    def closed(self, run: LiveRun) -> None: ...
