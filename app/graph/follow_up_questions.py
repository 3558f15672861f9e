"""Questions to ask after an answer: what stands beside the cited passages and was not quoted."""

from collections.abc import Iterable, Sequence
from itertools import chain, islice, zip_longest
from typing import Final

from app.domain.bounded_cache import BoundedCache
from app.domain.conversation_models import Message
from app.domain.models import Passage, Suggestion
from app.domain.ports import Library
from app.domain.principals import Principal
from app.graph.answerable_questions import WANTED, AnswerCheck
from app.text.noun_phrases import content_words
from app.text.question_suggestions import suggest_questions
from app.text.tokens import norm

MAX_SOURCES: Final = 3
MAX_AROUND: Final = 60
"""Passages before and after a cited one."""
TRIED: Final = 9
_REMEMBERED: Final = 256  # answers
_ALIKE: Final = 0.75  # of the words of both

_Found = tuple[Suggestion, tuple[Passage, ...]]
"""A question, and the passages of its source around the cited one."""


class FollowUpQuestions:
    """Implements `FollowUps`, with a cache. No model is asked: the library itself answers them."""

    def __init__(self, library: Library, check: AnswerCheck) -> None:
        self._library = library
        self._check = check
        self._known = BoundedCache[tuple[str, str, str], tuple[Suggestion, ...]](_REMEMBERED)

    async def after(
        self, principal: Principal, answer: Message, asked: Sequence[str]
    ) -> tuple[Suggestion, ...]:
        # A continued answer ends again.
        key = (principal.owner_id, answer.message_id, str(answer.ended_at))
        found = self._known.get(key)
        if found is None:
            found = await self._answerable(principal, answer, asked)
            self._known.put(key, found)
        return found

    async def _answerable(
        self, principal: Principal, answer: Message, asked: Sequence[str]
    ) -> tuple[Suggestion, ...]:
        cited = {one.passage_id: one.source_id for one in answer.citations if one.passage_id}
        found = [
            await self._around(principal, source_id, cited)
            for source_id in islice(dict.fromkeys(filter(None, cited.values())), MAX_SOURCES)
        ]
        in_turn = [one for one in chain.from_iterable(zip_longest(*found)) if one is not None]
        kept: list[Suggestion] = []
        answering = set(cited)
        for suggestion, passages in _new(in_turn, asked):
            best = await self._check.answers(principal, suggestion, passages, answer.filters)
            if best is not None and best.passage_id not in answering:
                answering.add(best.passage_id)
                kept.append(suggestion)
            if len(kept) == WANTED:
                break
        return tuple(kept)

    async def _around(
        self, principal: Principal, source_id: str, cited: dict[str, str | None]
    ) -> list[_Found]:
        """What a cited source suggests, nearest to the first passage that was cited of it."""
        first = next(one for one, owner in cited.items() if owner == source_id)
        source = await self._library.source(principal, source_id)
        here = await self._library.passage(principal, source_id, first)
        if source is None or here is None:
            return []
        passages = await self._library.passages_between(
            principal, source_id, here.position - MAX_AROUND, here.position + MAX_AROUND
        )
        quoted = {one.heading for one in passages if one.passage_id in cited} - {None}
        others = tuple(one for one in passages if one.passage_id not in cited)
        suggested = suggest_questions(source, others, near=here.position)
        headings = {one.passage_id: one.heading for one in passages}
        return [(one, passages) for one in suggested if headings[one.passage_id] not in quoted]


def _new(found: Iterable[_Found], asked: Sequence[str]) -> list[_Found]:
    """Those that were not asked before, and no two alike."""
    known = [_words(one) for one in asked]
    new: list[_Found] = []
    for suggestion, passages in found:
        words = _words(suggestion.question)
        if not any(_is_alike(words, other) for other in known):
            known.append(words)
            new.append((suggestion, passages))
    return new[:TRIED]


def _words(question: str) -> frozenset[str]:
    return frozenset(norm(word) for word in content_words(question))


def _is_alike(words: frozenset[str], other: frozenset[str]) -> bool:
    return len(words & other) >= _ALIKE * max(1, len(words | other))
