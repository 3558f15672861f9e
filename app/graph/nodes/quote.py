"""Quoting mode: chooses the quotes, and with them the passages that the markers count."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from app.domain.models import Candidate, Passage, Quotes
from app.domain.principals import Principal
from app.graph.state import AnswerState, Node

Quote = Callable[[str, Sequence[Passage]], Quotes]
"""(question, passages) -> the answer and what it cites. Pure, milliseconds of processor time."""

MAX_AROUND: Final = 24
"""Passages before and after one whose list, table or code goes on beside it."""


class Surroundings(Protocol):
    """The part of the library that stored passages are read from."""

    async def passages_between(
        self, principal: Principal, source_id: str, first: int, last: int
    ) -> tuple[Passage, ...]: ...

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None: ...


def make_quote(quote: Quote, library: Surroundings) -> Node:
    """Reduces `kept` to the passages that are quoted, in the order of their markers.

    Only a list, table or code that may go on in another passage costs a query. A continued answer
    keeps its passages, because its markers are out already.
    """

    async def choose(state: AnswerState) -> AnswerState:
        question, kept = state["question"], state.get("kept", ())
        if not kept:
            return {}
        principal = question.principal
        if question.continues:
            return {"kept": await _as_stored(library, principal, kept)}
        asked = state.get("standalone", question.text)
        passages = [one.passage for one in kept]
        quotes = await asyncio.to_thread(quote, asked, passages)
        if quotes.unfinished and (more := await _around(library, principal, passages, quotes)):
            passages = [*passages, *more]
            quotes = await asyncio.to_thread(quote, asked, passages)
        candidates = {one.passage.passage_id: one for one in kept}
        cited = (passages[index] for index in quotes.cited)
        return {
            "kept": tuple(candidates.get(one.passage_id) or _neighbour(one) for one in cited),
            "quote": quotes.text,
        }

    return choose


async def _around(
    library: Surroundings, principal: Principal, passages: Sequence[Passage], quotes: Quotes
) -> list[Passage]:
    known = {one.passage_id for one in passages}
    found: dict[str, Passage] = {}
    for index in quotes.unfinished:
        passage = passages[index]
        first, last = passage.position - MAX_AROUND, passage.position + MAX_AROUND
        around = await library.passages_between(principal, passage.source_id, first, last)
        found |= {one.passage_id: one for one in around if one.passage_id not in known}
    return list(found.values())


async def _as_stored(
    library: Surroundings, principal: Principal, kept: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """With the structure and the speakers, which the events of an answer do not have."""
    stored = [
        await library.passage(principal, one.passage.source_id, one.passage.passage_id)
        for one in kept
    ]
    return tuple(
        one if passage is None else _neighbour(passage)
        for one, passage in zip(kept, stored, strict=True)
    )


def _neighbour(passage: Passage) -> Candidate:
    """A passage that was not searched."""
    return Candidate(passage=passage, score=0.0, cosine=0.0, bm25=0.0, coverage=0.0)
