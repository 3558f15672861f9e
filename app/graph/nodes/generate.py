"""Writes the answer from the kept passages, or a refusal when there are none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from langchain_core.messages import BaseMessage

from app.domain.errors import PromptTooLong
from app.domain.models import Passage
from app.graph.prompt_fitting import fit_prompt, fit_state
from app.graph.prompts import answer_messages
from app.graph.refusal import refusal, still_reading
from app.graph.state import AnswerState, Node
from app.runs.ports import EngineResult, Question


class Answerer(Protocol):
    """Calls the answer model inside the node, so that its tokens surface as graph events."""

    async def __call__(
        self,
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        """`quote`: what quoting mode answers, if that is known already.

        How it ended, and the text when it was not streamed (else empty). `RunFailure`."""
        ...


def make_generate(answerer: Answerer) -> Node:
    """Without evidence the model is not asked at all.

    When the model refuses the prompt's length there is no `ended`: the node runs again with less.
    """

    async def generate(state: AnswerState) -> AnswerState:
        question = state["question"]
        kept = state.get("kept", ())
        if (composed := state.get("composed")) is not None:
            text = composed.removeprefix(question.continues or "")
            return {"text": text, "ended": EngineResult("stop", None)}
        if not kept:
            text = refusal(
                state["found"],
                question.filters,
                outside=state.get("outside_filter") or 0,
                nearest=state.get("nearest", ()),
            )
            return {"text": text, "ended": EngineResult("no_evidence", None)}
        prompt = fit_state(state)
        try:
            ended, text = await answerer(
                answer_messages(prompt.question, prompt.kept, prompt.notes),
                question=replace(question, text=state.get("standalone", question.text)),
                passages=tuple(candidate.passage for candidate in prompt.kept),
                quote=state.get("quote"),
            )
        except PromptTooLong as refused:
            if fit_prompt(question, kept, refused.max_tokens).omitted == prompt.omitted:
                raise
            return {"max_prompt_tokens": refused.max_tokens}
        return {"text": text, "closing": _closing(state, ended), "ended": ended}

    return generate


def _closing(state: AnswerState, ended: EngineResult) -> str:
    """That there may be more to say; not after an answer that is cut, which may be continued."""
    found = state.get("found")
    if found is None or found.reading is None or ended.finish_reason != "stop":
        return ""
    # Selected sources are ingested, so the answer is not affected by running ingestions.
    if state["question"].filters.source_ids:
        return ""
    return f"\n\n{still_reading(found.reading)}"
