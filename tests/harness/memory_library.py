"""A library in memory, in place of the database."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.domain.models import (
    EVERYTHING,
    LibraryCounts,
    Listing,
    Page,
    Passage,
    Similar,
    Source,
    SourceKind,
    StoredFile,
)
from app.domain.principals import Principal

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def source(
    title: str,
    *,
    kind: SourceKind = "document",
    name: str | None = None,
    tags: tuple[str, ...] = (),
    created_at: datetime = DAY,
    shared: bool = False,
) -> Source:
    return Source(
        source_id=title.lower(),
        owner_id="local",
        shared=shared,
        title=title,
        kind=kind,
        name=name or f"{title.lower()}.md",
        media_type="text/markdown",
        content_hash="",
        passage_count=1,
        created_at=created_at,
        tags=tags,
    )


def passages_of(one: Source, *parts: tuple[str | None, str]) -> tuple[Passage, ...]:
    """Passages from pairs of heading and text."""
    return tuple(
        Passage(
            passage_id=f"{one.source_id} {position}",
            source_id=one.source_id,
            title=one.title,
            kind=one.kind,
            position=position,
            text=text,
            heading=heading,
        )
        for position, (heading, text) in enumerate(parts)
    )


class MemoryLibrary:
    """Implements `Library` for one reader."""

    def __init__(self, content: Sequence[tuple[Source, tuple[Passage, ...]]] = ()) -> None:
        self.content = list(content)

    async def sources(
        self, principal: Principal, listing: Listing = EVERYTHING, *, limit: int = 200
    ) -> Page[Source]:
        """Pages of `limit` entries; the cursor is the number of entries before."""
        words = listing.query.lower().split()
        found = [
            one
            for one, _ in self.content
            if all(w in f"{one.title} {one.name}".lower() for w in words)
        ]
        begin = int(listing.cursor or 0)
        page = tuple(found[begin : begin + limit])
        end = begin + len(page)
        return Page(page, str(end) if end < len(found) else None)

    async def counts(self, principal: Principal) -> LibraryCounts:
        kinds = [one.kind for one, _ in self.content]
        texts = sum(len(passages) for _, passages in self.content)
        return LibraryCounts(kinds.count("document"), kinds.count("recording"), texts)

    async def source(self, principal: Principal, source_id: str) -> Source | None:
        return next((one for one, _ in self.content if one.source_id == source_id), None)

    async def similar(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Similar, ...]]:
        return {}

    async def passages(self, principal: Principal, source_id: str) -> tuple[Passage, ...]:
        return next((texts for one, texts in self.content if one.source_id == source_id), ())

    async def passages_between(
        self, principal: Principal, source_id: str, first: int, last: int
    ) -> tuple[Passage, ...]:
        return (await self.passages(principal, source_id))[first : last + 1]

    async def openings(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Passage, ...]]:
        return {one.source_id: texts[:3] for one, texts in self.content}

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None:
        found = await self.passages(principal, source_id)
        return next((one for one in found if one.passage_id == passage_id), None)

    async def file(self, principal: Principal, source_id: str) -> StoredFile | None:
        return None

    async def unknown_sources(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> tuple[str, ...]:
        known = {one.source_id for one, _ in self.content}
        return tuple(one for one in source_ids if one not in known)


async def no_similarity(topic: str, texts: Sequence[str]) -> Sequence[float]:
    """For tests in which nothing is compared by meaning."""
    return [0.0] * len(texts)
