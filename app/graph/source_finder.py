"""Finds the sources that a question is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.domain.models import Listing, Passage, Source
from app.domain.ports import Library
from app.graph.question_kind import is_demonstrative
from app.graph.source_matching import (
    MIN_NAMED_SHARE,
    MIN_NAMED_SHARE_OF_SEVERAL,
    main_title,
    matches_filters,
    named,
    similar_ones,
)
from app.runs.ports import Question
from app.text.tokens import content_terms

MAX_SOURCES: Final = 10_000
"""Sources whose titles are looked through."""
MAX_COMPARED_TITLES: Final = 500
"""Sources whose titles and openings are compared with a topic by meaning."""
_MIN_STEM: Final = 4
_EVERYTHING: Final = content_terms("everything all documents sources files library whole entire")


class Similarity(Protocol):
    """Compares a topic with texts by meaning."""

    async def __call__(self, topic: str, texts: Sequence[str]) -> Sequence[float]:
        """One cosine per text, -1..1."""
        ...


@dataclass(frozen=True, slots=True)
class SourceFinder:
    """The sources that the person may read, within the filters of the question."""

    library: Library
    similarity: Similarity
    question: Question

    async def asked_about(self, subject: str, *, is_certain: bool) -> list[Source]:
        """The sources that the subject names; "this document" is the one in question."""
        if not is_certain:
            return await self.named_closely(subject)
        readable = await self.readable()
        if is_demonstrative(subject):
            return self._pointed_at(subject, readable)
        if content_terms(subject) <= _EVERYTHING:
            return readable
        return named(subject, readable)

    async def named_closely(self, subject: str) -> list[Source]:
        """The sources of which the subject says nearly the whole title.

        Asked of many plain lookups too, so only titles with its longest word are read.
        """
        words = content_terms(subject)
        if not words:
            return []
        longest = max(words, key=len)
        stem = longest[: max(_MIN_STEM, len(longest) - 2)]  # of "batteries" and "battery"
        page = await self.library.sources(self.question.principal, Listing(query=stem), limit=100)
        readable = [one for one in page.items if matches_filters(one, self.question.filters)]
        share = MIN_NAMED_SHARE if len(words) == 1 else MIN_NAMED_SHARE_OF_SEVERAL
        return named(subject, readable, min_share=share)

    def _pointed_at(self, subject: str, readable: list[Source]) -> list[Source]:
        if len(readable) == 1:
            return readable
        is_any = (
            content_terms(subject) <= _EVERYTHING
        )  # "this document": not one titled "Documents"
        by_word = [] if is_any else named(subject, readable)
        if len(by_word) == 1:
            return by_word
        own = [one for one in readable if one.owner_id == self.question.principal.owner_id]
        newest = [one for one in own if not one.shared] or own
        return [max(newest, key=lambda one: one.created_at)] if newest else []

    async def readable(self) -> list[Source]:
        """The sources within the filters, newest first."""
        found: list[Source] = []
        cursor = None
        while len(found) < MAX_SOURCES:
            page = await self.library.sources(
                self.question.principal, Listing(cursor=cursor), limit=1_000
            )
            found += page.items
            cursor = page.next
            if cursor is None:
                break
        return [one for one in found if matches_filters(one, self.question.filters)]

    async def openings(self, sources: Sequence[Source]) -> dict[str, tuple[Passage, ...]]:
        ids = [source.source_id for source in sources]
        return await self.library.openings(self.question.principal, ids)

    async def texts(self, sources: Sequence[Source]) -> list[tuple[Passage, ...]]:
        return [
            await self.library.passages(self.question.principal, source.source_id)
            for source in sources
        ]

    async def about_topic(self, topic: str, sources: Sequence[Source]) -> list[Source]:
        """The sources about a topic by meaning, where they stand out from the others."""
        if len(sources) > MAX_COMPARED_TITLES:
            return []
        titles = [main_title(source.title) for source in sources]
        openings = await self.openings(sources)
        texts = [
            f"{source.title}. {' '.join(p.text for p in openings.get(source.source_id, ()))[:600]}"
            for source in sources
        ]
        cosines = await self.similarity(topic, (*titles, *texts))
        best = [max(cosines[i], cosines[i + len(sources)]) for i in range(len(sources))]
        return [sources[i] for i in similar_ones(best)]
