"""Chooses what of passages and conversation enters a prompt, by estimated tokens.

In this order: passages, recent turns in full, and one line for each older turn. The lines are
extracts, so they cost no call of the model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.domain.events import Omitted
from app.domain.models import Candidate, Turn
from app.domain.token_estimate import cut_to_tokens, estimated_tokens
from app.graph.prompts import (
    EARLIER_TOKENS,
    answer_messages,
    passage_block,
    whole_turn,
)
from app.graph.state import AnswerState
from app.runs.ports import Question
from app.text.reasoning_blocks import without_reasoning
from app.text.sentences import split_sentences

SUMMARY_TOKENS = 1_500
"""Estimated tokens of all lines about older turns."""
LINE_TOKENS = 60
"""Estimated tokens of the question and of the answer in such a line, each."""
MESSAGE_TOKENS = 8
"""The framing of a message or passage."""
PASSAGES_SHARE = 0.75
"""Of the room, while there are earlier turns; what they leave is for passages again."""


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """`question` has the turns that are sent in full, `notes` a line for each older one."""

    question: Question
    kept: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()  # oldest first
    omitted: Omitted | None = None


def fit_state(state: AnswerState) -> FittedPrompt:
    """The prompt of `generate`; all passages where no model writes the answer."""
    question, kept = state["question"], state.get("kept", ())
    if not kept or "composed" in state or "quote" in state:
        return FittedPrompt(question, kept)
    return fit_prompt(question, kept, state.get("max_prompt_tokens"))


def fit_prompt(
    question: Question, kept: Sequence[Candidate], max_tokens: int | None
) -> FittedPrompt:
    """At least one passage is kept. `max_tokens` None: the model's window is not known."""
    turns = (*question.older, *question.history)
    if max_tokens is None and not turns:
        return FittedPrompt(question, tuple(kept))
    room = _room(question, max_tokens)
    share = room * (PASSAGES_SHARE if turns else 1)
    sizes = [estimated_tokens(passage_block(1, one)) + MESSAGE_TOKENS for one in kept]
    passages = max(1, _fitting(sizes, share)) if kept else 0
    left = room - sum(sizes[:passages])
    whole, left = _recent(question.history, min(left, EARLIER_TOKENS), left)
    notes, left = _notes(turns[: len(turns) - len(whole)], left)
    passages += _fitting(sizes[passages:], left)
    omitted = Omitted(
        turns=len(turns) - len(whole) - len(notes),
        summarized_turns=len(notes),
        passages=len(kept) - passages,
    )
    return FittedPrompt(
        replace(question, history=whole, older=()),
        tuple(kept[:passages]),
        notes,
        omitted if omitted.turns or omitted.summarized_turns or omitted.passages else None,
    )


def _room(question: Question, max_tokens: int | None) -> float:
    if max_tokens is None:
        return float("inf")
    alone = answer_messages(replace(question, history=(), older=()), ())
    fixed = sum(estimated_tokens(str(one.content)) + MESSAGE_TOKENS for one in alone)
    return max(0, max_tokens - fixed)


def _fitting(sizes: Iterable[int], room: float) -> int:
    """How many of the first ones fit together."""
    count = 0
    for size in sizes:
        room -= size
        if room < 0:
            break
        count += 1
    return count


def _recent(history: Sequence[Turn], most: float, left: float) -> tuple[tuple[Turn, ...], float]:
    """The last turns that fit into `most`, and what is left after them."""
    sizes = [
        sum(estimated_tokens(text) + MESSAGE_TOKENS for text in whole_turn(turn))
        for turn in reversed(history)
    ]
    count = _fitting(sizes, most)
    return tuple(history[len(history) - count :]), left - sum(sizes[:count])


def _notes(turns: Sequence[Turn], left: float) -> tuple[tuple[str, ...], float]:
    """Lines for the newest of these that were answered from passages."""
    most = min(left, SUMMARY_TOKENS)
    notes: list[str] = []
    for turn in reversed(turns):
        if not turn.answered:
            continue
        note = _note(turn)
        size = estimated_tokens(note) + 1
        if size > most:
            break
        most -= size
        left -= size
        notes.append(note)
    return tuple(reversed(notes)), left


def _note(turn: Turn) -> str:
    """The question, and the first sentence of its answer."""
    answer = without_reasoning(turn.answer)
    first = next((answer[start:end] for start, end in split_sentences(answer)), "")
    asked, said = (
        cut_to_tokens(" ".join(text.split()), LINE_TOKENS) for text in (turn.question, first)
    )
    return f"- {asked} {said}".rstrip()
