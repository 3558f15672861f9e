"""One answer engine per model, behind one port."""

from collections.abc import AsyncGenerator, Callable

from app.domain.errors import RunFailure
from app.domain.events import Stage, Token
from app.runs.ports import AnswerEngine, EngineResult, Evidence, Question


class ModelEngines:
    """Implements `AnswerEngine`: `question.model` decides."""

    def __init__(self, default: str, make: Callable[[str], AnswerEngine]) -> None:
        """`make` gives the engine of a model by name. Raises `KeyError`."""
        self._default = default
        self._make = make
        self._engines = {default: make(default)}

    @property
    def model_name(self) -> str:
        return self._default

    def expect(self, text: str) -> None:
        self._engines[self._default].expect(text)

    def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        """The generator of that engine itself: another one around it would cost time per token."""
        return self._engine(question.model or self._default).answer(question, evidence)

    def _engine(self, name: str) -> AnswerEngine:
        if name not in self._engines:
            try:
                self._engines[name] = self._make(name)
            except KeyError:
                raise RunFailure(
                    "GENERATION_FAILED",
                    f"The model {name} is no longer available. Choose another one.",
                ) from None
        return self._engines[name]
