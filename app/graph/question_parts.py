"""Puts the questions of one message into full words."""

from dataclasses import dataclass, replace

from app.domain.models import Turn
from app.graph.contextualizer import Contextualizer
from app.graph.sub_questions import sub_questions
from app.runs.ports import Question


@dataclass(frozen=True, slots=True)
class SplitQuestion:
    """Several searches for one question; `standalone` is the question in full words.

    `model_calls` counts those that it took.
    """

    standalone: str
    queries: tuple[str, ...]
    model_calls: int


async def split(question: Question, contextualizer: Contextualizer) -> SplitQuestion | None:
    """By rule; None when one thing is asked. Splitting `standalone` gives the same parts."""
    history, whole, calls = list(question.history), list[str](), 0
    for part in sub_questions(question.text):
        asked = replace(question, text=part, history=tuple(history))
        found = await contextualizer.standalone(asked, same_message=bool(whole))
        calls += found.model_calls
        history.append(Turn(found.text, "", interrupted=False))
        whole.append(as_question(found.text))
    parts = tuple(dict.fromkeys(whole))
    return SplitQuestion(" ".join(parts), parts, calls) if len(parts) > 1 else None


def as_question(text: str) -> str:
    """With a capital and a sign at its end, so that it is told apart from the next one."""
    text = text.strip()
    ending = "" if text.endswith((".", "?", "!", "…")) else "?"
    return f"{text[0].upper()}{text[1:]}{ending}"
