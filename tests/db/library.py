"""Small sources for the tests of the library; their vectors are hashed words."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from app.db.library_store import LibraryStore
from app.domain.library_ports import EncodedPassage, NewPassage, NewSource, SourceVersion
from app.domain.models import SourceKind
from app.domain.ports import Vector
from app.domain.principals import Principal
from tests.fakes.openai_embeddings import embedding

EMBEDDER = "hashed-words"
NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
ANA = Principal("ana")
BEN = Principal("ben")


def vector(text: str) -> Vector:
    return np.array(embedding(text), np.float32)


async def embedded(text: str, dimensions: int | None = None) -> Vector:
    """Asynchronous, like a real embedder."""
    await asyncio.sleep(0)
    return vector(text)[:dimensions]


def encoded(text: str) -> EncodedPassage:
    return EncodedPassage(vector(text), text.encode())


def new_source(
    origin: str = "tea.md",
    *,
    title: str = "Tea",
    content: str = "1",
    kind: SourceKind = "document",
    tags: Sequence[str] = (),
    shared: bool = False,
) -> NewSource:
    return NewSource(
        origin=origin,
        name=origin,
        title=title,
        kind=kind,
        media_type="text/markdown",
        content_hash=content,
        tags=tuple(tags),
        shared=shared,
    )


async def store(
    library: LibraryStore,
    *texts: str,
    owner: Principal = ANA,
    source: NewSource | None = None,
    embedder: str = EMBEDDER,
    now: datetime = NOON,
) -> str:
    """Store these passages as one source; returns its id."""
    passages = [(NewPassage(text, 0, len(text)), encoded(text)) for text in texts]
    version = SourceVersion(source or new_source(), passages)
    ((source_id, _),) = await library.replace(owner, [version], embedder=embedder, now=now)
    return source_id
