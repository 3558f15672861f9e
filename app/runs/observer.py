"""What somebody may want to know of runs as they happen. Called a few times a run, never per token.

Methods must not block or raise.
"""

from typing import Protocol

from app.runs.active_run import LiveRun
from app.runs.ports import Outcome


class RunObserver(Protocol):
    """Is told of the runs of one process."""

    def started(self, run: LiveRun, question: str) -> None:
        """A question was accepted here."""
        ...

    def first_token(self, seconds: float) -> None:
        """A run's first piece of text came so long after the question was accepted."""
        ...

    def ended(self, run: LiveRun, outcome: Outcome) -> None:
        """The run's outcome is known; it may not be saved yet."""
        ...

    def unsaved(self) -> None:
        """A run's viewers were let go before the database took its end."""
        ...

    def over(self, run: LiveRun) -> None:
        """The last word on a run that was started here, whatever became of it."""
        ...


class NullRunObserver:
    """Nobody wants to know."""

    def started(self, run: LiveRun, question: str) -> None:
        """Nothing."""

    def first_token(self, seconds: float) -> None:
        """Nothing."""

    def ended(self, run: LiveRun, outcome: Outcome) -> None:
        """Nothing."""

    def unsaved(self) -> None:
        """Nothing."""

    def over(self, run: LiveRun) -> None:
        """Nothing."""
