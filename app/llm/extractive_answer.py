"""Builds extractive answers from the units of passages that answer a question best.

Pure and deterministic. What is quoted is verbatim in its passage and followed by its marker.
"""

from collections.abc import Sequence
from typing import Final

from app.domain.models import Passage, Quotes
from app.llm.quoting.quotable_units import quotable_units
from app.llm.quoting.quote_rendering import cited_passages, render
from app.llm.quoting.quote_selection import select

NOTHING: Final = "Your sources do not say anything about this."


def quote(question: str, passages: Sequence[Passage]) -> Quotes:
    """The answer with markers from 1, without gaps; a fixed text when nothing matches."""
    units = quotable_units(passages)
    chosen = select(question, passages, units) if units else []
    if not chosen:
        return Quotes(NOTHING, (), ())
    cited = cited_passages(chosen)
    open_ends = {one.unit.parts[0].passage for one in chosen if one.unit.opens} | {
        one.unit.parts[-1].passage for one in chosen if one.unit.closes
    }
    numbers = {passage: number for number, passage in enumerate(cited, start=1)}
    return Quotes(render(chosen, numbers), tuple(cited), tuple(sorted(open_ends)))


def quote_answer(question: str, passages: Sequence[Passage]) -> str:
    """The answer, where `[n]` means `passages[n - 1]`; a fixed text when nothing matches."""
    units = quotable_units(passages)
    chosen = select(question, passages, units) if units else []
    if not chosen:
        return NOTHING
    return render(chosen, {index: index + 1 for index in range(len(passages))})
