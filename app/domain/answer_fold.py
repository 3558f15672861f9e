"""Adds up the events of a run. Every form in which an answer leaves this program is made of it."""

from typing import TYPE_CHECKING, Final

from app.domain.events import CitationsPayload, DonePayload, ErrorPayload, ResetPayload
from app.domain.models import Citation, StageRecord

if TYPE_CHECKING:
    from collections.abc import Callable

Step = str | StageRecord | CitationsPayload | ResetPayload | DonePayload | ErrorPayload
"""What one event says: text is the next piece of the answer, a stage how it is found."""


class AnswerFold:
    """The answer after the steps so far: its text, citations, stages and, at last, its ending."""

    __slots__ = ("_pieces", "add_text", "citations", "ending", "evidence")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.add_text: Callable[[str], None] = self._pieces.append  # `add`, for every token
        self.citations: tuple[Citation, ...] = ()
        self.evidence: list[StageRecord] = []
        self.ending: DonePayload | ErrorPayload | None = None

    @property
    def text(self) -> str:
        """All pieces since the last reset, and the text of that."""
        return "".join(self._pieces)

    def add(self, step: Step) -> None:
        """Take the next step."""
        match step:
            case str():
                self.add_text(step)
            case StageRecord():
                if step.type not in _NOT_EVIDENCE:
                    self.evidence.append(step)
            case CitationsPayload():
                self.citations = step.citations
            case ResetPayload():
                self._pieces[:] = [step.text]
                self.citations = step.citations
            case _:
                self.ending = step

    def added_by(self, reset: ResetPayload) -> str | None:
        """What a reset, not taken yet, adds to the text; None when it replaces some of it."""
        before = self.text
        return reset.text[len(before) :] if reset.text.startswith(before) else None


_NOT_EVIDENCE: Final = frozenset({"run_start"})
