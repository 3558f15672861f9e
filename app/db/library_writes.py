"""Statements that change sources, run within the transactions of `LibraryStore`.

Sources are written together, so that a folder of small files takes few round trips.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from asyncpg import Connection, Record
from pgvector import HalfVector

from app.db.library_rows import cues_to_json, notes_to_json, spans_to_json
from app.db.queries import load_queries
from app.domain.library_ports import Change, EncodedPassage, NewSource, SourceVersion
from app.domain.principals import Principal

SQL = load_queries("library")

NO_TEXT = ""
"""Value of `sources.text`, which only older versions read. The text is in the passages."""
LOCK_TIMEOUT_S = 600.0
"""Timeout for the writers' lock and for statements that grow with a source or the library."""
VECTOR_BATCH = 500
"""Passages per statement that stores vectors."""
DELETE_BATCH = 100
"""Sources per statement that deletes them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A version to insert under this id. `created_at` is that of the source, not the version."""

    source_id: str
    version: SourceVersion
    created_at: datetime


def source_id_of(principal: Principal, origin: str) -> str:
    """Derived from owner and origin, so that it survives content changes."""
    return _digest("source", principal.owner_id, origin)


def with_former_labels(source: NewSource, old: Record) -> NewSource:
    """The new version with the sharing and tags of the former one."""
    return replace(
        source,
        shared=source.shared or old["shared"],
        shared_with=tuple(old["shared_with"]),
        tags=tuple(dict.fromkeys((*old["tags"], *source.tags))),
    )


async def insert_sources(
    connection: Connection,
    principal: Principal,
    sources: Sequence[Stored],
    *,
    embedder: str,
    now: datetime,
) -> None:
    """Insert new sources with passages, vectors and terms."""
    rows = await connection.fetchmany(
        SQL["insert_source"],
        [
            (
                *(one.source_id, principal.owner_id),
                *_columns(one.version.source, len(one.version.passages)),
                *(embedder, one.created_at, now, list(one.version.source.shared_with)),
                notes_to_json(one.version.source.notes),
            )
            for one in sources
        ],
    )
    numbers = [row["number"] for row in rows]
    await _insert_passages(connection, principal, numbers, sources)
    sketches = [
        (number, list(one.version.source.sketch))
        for number, one in zip(numbers, sources, strict=True)
        if one.version.source.sketch
    ]
    await connection.executemany(SQL["insert_sketch"], sketches)
    await connection.execute(SQL["index_terms"], numbers, timeout=LOCK_TIMEOUT_S)


async def insert_encoded(
    connection: Connection, encoded: Sequence[tuple[int, int, EncodedPassage]]
) -> None:
    """Insert vectors and token states; items are (passage, source, encoded)."""
    vectors = [(number, source, HalfVector(one.vector)) for number, source, one in encoded]
    tokens = [(number, one.tokens) for number, _, one in encoded if one.tokens is not None]
    # In batches, because statements have a timeout and a book has thousands of passages.
    for begin in range(0, len(encoded), VECTOR_BATCH):
        part = slice(begin, begin + VECTOR_BATCH)
        await connection.executemany(SQL["insert_vectors"], vectors[part])
        await connection.executemany(SQL["insert_tokens"], tokens[part])


async def delete_sources(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete sources and everything that belongs to them."""
    for begin in range(0, len(numbers), DELETE_BATCH):
        part = list(numbers[begin : begin + DELETE_BATCH])
        await connection.execute(SQL["forget_terms"], part, timeout=LOCK_TIMEOUT_S)
        await connection.execute(SQL["delete_sources"], part, timeout=LOCK_TIMEOUT_S)


async def refresh_statistics(connection: Connection) -> None:
    """Update the average length, and the weights derived from it, after it has changed a lot."""
    average = await connection.fetchval(SQL["refresh_average"])
    if average is not None:
        await connection.execute(SQL["refresh_weights"], average, timeout=LOCK_TIMEOUT_S)


def files_of(rows: Sequence[Mapping[str, str | None]]) -> list[str]:
    """The keys of the files that these rows of `sources` refer to."""
    keys = (row[column] for row in rows for column in ("original_key", "audio_key"))
    return [key for key in keys if key is not None]


def _columns(source: NewSource, passage_count: int) -> tuple[object, ...]:
    audio = source.audio
    return (
        *(source.origin, source.shared, source.title, source.kind, source.name),
        *(source.media_type, source.content_hash, NO_TEXT, passage_count),
        *(source.pages, source.duration_s, list(source.tags), list(source.speakers)),
        source.original.key if source.original else None,
        *((audio.key, audio.media_type) if audio else (None, None)),
    )


async def _insert_passages(
    connection: Connection,
    principal: Principal,
    numbers: Sequence[int],
    sources: Sequence[Stored],
) -> None:
    placed = [
        (number, position, _passage_id(one, position, passage.text), passage)
        for number, one in zip(numbers, sources, strict=True)
        for position, (passage, _) in enumerate(one.version.passages)
    ]
    new = [passage for *_, passage in placed]
    await connection.execute(
        SQL["insert_passages"],
        principal.owner_id,
        *([number for number, *_ in placed], [position for _, position, *_ in placed]),
        [passage_id for _, _, passage_id, _ in placed],
        *([p.text for p in new], [p.heading for p in new]),
        *([p.char_start for p in new], [p.char_end for p in new], [p.page for p in new]),
        *([p.start_s for p in new], [p.end_s for p in new], [p.speaker for p in new]),
        [cues_to_json(p.cues) for p in new],
        [spans_to_json(p.structure) for p in new],
    )
    rows = await connection.fetch(SQL["number_passages"], numbers)
    encoded = [one for source in sources for _, one in source.version.passages]
    await insert_encoded(
        connection,
        [(row["number"], row["source"], one) for row, one in zip(rows, encoded, strict=True)],
    )


def _passage_id(source: Stored, position: int, text: str) -> str:
    # Content and text are part of the id, so that a citation never points to other words.
    content_hash = source.version.source.content_hash
    return _digest("passage", source.source_id, content_hash, str(position), text)


def _digest(kind: str, *parts: str) -> str:
    """An opaque id; length prefixes keep the parts unambiguous."""
    text = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def change_of(version: SourceVersion, old: Record | None, embedder: str) -> Change:
    """`old` is the row with the same origin; its source may be deleted."""
    if old is None or old["deleted_at"] is not None:
        return "added"
    same = (old["content_hash"], old["embedder"]) == (version.source.content_hash, embedder)
    return "unchanged" if same else "replaced"


def stored_version(
    principal: Principal, version: SourceVersion, old: Record | None, now: datetime
) -> Stored:
    """A version that replaces `old` keeps its labels."""
    source_id = source_id_of(principal, version.source.origin)
    if old is None or old["deleted_at"] is not None:
        return Stored(source_id, version, now)
    kept = SourceVersion(with_former_labels(version.source, old), version.passages)
    return Stored(source_id, kept, old["created_at"])
