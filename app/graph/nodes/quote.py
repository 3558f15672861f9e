"""Quoting mode: chooses the quotes, and with them the passages that the markers count."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from app.domain.models import Candidate, Passage, Quotes
from app.domain.principals import Principal
from app.graph.joined_quotes import joined_quotes
from app.graph.refusal import unanswered
from app.graph.state import AnswerState, Node, Part
from app.graph.sub_questions import sub_questions
from app.text.markers import renumbered

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
            stored = await _as_stored(library, principal, kept)
            return {"kept": stored, **await _continued(quote, state, stored)}
        passages = [one.passage for one in kept]
        quotes = await _quotes(quote, state, passages)
        if quotes.unfinished and (more := await _around(library, principal, passages, quotes)):
            passages = [*passages, *more]
            quotes = await _quotes(quote, state, passages)
        candidates = {one.passage.passage_id: one for one in kept}
        cited = (passages[index] for index in quotes.cited)
        return {
            "kept": tuple(candidates.get(one.passage_id) or _neighbour(one) for one in cited),
            "quote": quotes.text,
        }

    return choose


async def _quotes(quote: Quote, state: AnswerState, passages: Sequence[Passage]) -> Quotes:
    """What is quoted; of several questions, each from the passages that it found."""
    if parts := _parts(state):
        return joined_quotes([await _quotes_of(quote, part, parts, passages) for part in parts])
    asked = state.get("standalone", state["question"].text)
    return await asyncio.to_thread(quote, asked, passages)


def _parts(state: AnswerState) -> tuple[Part, ...]:
    """Several questions; of an earlier answer it is not known which passages each had found."""
    if (parts := state.get("parts")) is not None:
        return parts
    ids = frozenset(one.passage.passage_id for one in state["kept"])
    asked = sub_questions(state.get("standalone", state["question"].text))
    return tuple(Part(one, ids, ()) for one in asked)


async def _quotes_of(
    quote: Quote, part: Part, parts: Sequence[Part], passages: Sequence[Passage]
) -> Quotes:
    """For one question of several."""
    known = frozenset[str]().union(*(other.kept for other in parts))
    sources = {one.source_id for one in passages if one.passage_id in part.kept}
    places = [
        place
        for place, one in enumerate(passages)
        if one.passage_id in part.kept
        or (one.passage_id not in known and one.source_id in sources)  # read beside those
    ]
    chosen = [passages[place] for place in places]
    found = await asyncio.to_thread(quote, part.question, chosen) if chosen else None
    if found is None or not found.cited:
        return Quotes(unanswered(part.question, part.nearest), (), ())
    return replace(
        found,
        cited=tuple(places[one] for one in found.cited),
        unfinished=tuple(places[one] for one in found.unfinished),
    )


async def _continued(quote: Quote, state: AnswerState, kept: Sequence[Candidate]) -> AnswerState:
    """The whole answer to a message that asks several things, its markers as they are out."""
    if not _parts(state):
        return {}
    quotes = await _quotes(quote, state, [one.passage for one in kept])
    numbers = {number: index + 1 for number, index in enumerate(quotes.cited, start=1)}
    return {"quote": renumbered(quotes.text, numbers)}


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
