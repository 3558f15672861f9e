"""Finds the searches that a question needs: its sub-questions by rule, its steps by the model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.models import Turn
from app.graph.contextualizer import Contextualizer
from app.graph.state import Judge
from app.graph.sub_questions import sub_questions
from app.runs.ports import Question


@dataclass(frozen=True, slots=True)
class Steps:
    """Several searches for one question; `standalone` is the question in full words.

    `model_calls` is None when there is no model.
    """

    standalone: str
    queries: tuple[str, ...]
    model_calls: int | None


class Decomposer:
    """`judge` None: by rules only."""

    def __init__(self, contextualizer: Contextualizer, judge: Judge | None) -> None:
        self._contextualizer = contextualizer
        self._judge = judge

    async def split(self, question: Question) -> Steps | None:
        """By rule, each part in full words; None when one thing is asked.

        Splitting `standalone` gives the same parts.
        """
        parts = sub_questions(question.text)
        history, whole, calls = list(question.history), list[str](), 0
        for part in parts:
            asked = replace(question, text=part, history=tuple(history))
            found = await self._contextualizer.standalone(asked, same_message=bool(whole))
            calls += found.model_calls
            history.append(Turn(found.text, "", interrupted=False))
            whole.append(_as_question(found.text))
        return self._steps(" ".join(whole), whole, calls)

    def _steps(self, standalone: str, queries: Sequence[str], calls: int) -> Steps | None:
        if len(queries) < 2:
            return None
        return Steps(standalone, tuple(queries), None if self._judge is None else calls)


def _as_question(text: str) -> str:
    """With a capital and a sign at its end, so that it is told apart from the next one."""
    text = text.strip()
    ending = "" if text.endswith((".", "?", "!", "…")) else "?"
    return f"{text[0].upper()}{text[1:]}{ending}"
