"""Folds the events of a run into an answer. Every output format of an answer is built on it."""

from typing import TYPE_CHECKING, Final

from app.domain.conversation_models import StageRecord
from app.domain.events import CitationsPayload, DonePayload, ErrorPayload, ResetPayload

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.models import Citation

Step = str | StageRecord | CitationsPayload | ResetPayload | DonePayload | ErrorPayload
"""The content of one event: a piece of text, a stage, or another payload."""


class AnswerFold:
    """The answer after the steps so far: text, citations, stages and finally its end."""

    __slots__ = ("_pieces", "add_text", "citations", "ending", "evidence")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.add_text: Callable[[str], None] = self._pieces.append  # `add`, for every token
        self.citations: tuple[Citation, ...] = ()
        self.evidence: list[StageRecord] = []
        self.ending: DonePayload | ErrorPayload | None = None

    @property
    def text(self) -> str:
        """The text of the last reset and all pieces since."""
        return "".join(self._pieces)

    def add(self, step: Step) -> None:
        """Apply the next step."""
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
        """The text that a reset, not yet applied, would append; None if it replaces text."""
        before = self.text
        return reset.text[len(before) :] if reset.text.startswith(before) else None


_NOT_EVIDENCE: Final = frozenset({"run_start", "reasoning_delta"})
