"""The library in PostgreSQL: sources, passages and their search index, changed atomically."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from asyncpg import Connection, Record
from pgvector import HalfVector

from app.db.library_listing import cursor_after, like_patterns, read_cursor
from app.db.library_rows import (
    cues_to_json,
    notes_to_json,
    spans_to_json,
    storable,
    to_passage,
    to_source,
)
from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.errors import StoreUnavailable
from app.domain.library_ports import (
    Change,
    Discard,
    EncodedPassage,
    NewPassage,
    NewSource,
    StoredText,
)
from app.domain.models import (
    EVERYTHING,
    LibraryCounts,
    Listing,
    Order,
    Page,
    Passage,
    Similar,
    Source,
    StoredFile,
)
from app.domain.principals import Principal
from app.text.minhash import NEAR_DUPLICATE, estimate_similarity

log = logging.getLogger(__name__)

SQL = load_queries("library")

UNDO_WINDOW = timedelta(seconds=30)
NO_TEXT = ""
"""Stored in `sources.text`, which only older versions read. The text is in the passages."""
LOCK_TIMEOUT_S = 600.0
"""Timeout of the writers' lock and of statements that grow with a source or the library."""
MAX_SKETCHES_COMPARED = 20
"""Maximum number of sources whose sketches are compared."""
VECTOR_BATCH = 500
"""Passages whose vectors are stored by one statement."""


class LibraryStore:
    """Implements `Library`, `LibraryWriter` and `LibraryVectors`.

    A principal can read their own sources and those shared with everyone or with one of their
    groups (`readable_by` in sql/fragments.sql). Only the owner writes. Foreign and unknown sources
    are indistinguishable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sources(
        self, principal: Principal, listing: Listing = EVERYTHING, *, limit: int = 200
    ) -> Page[Source]:
        value, number = read_cursor(listing)
        rows = await self._database.fetch(
            _listing_query(listing.order),
            *(principal.owner_id, list(principal.groups), listing.kind),
            *(like_patterns(listing.query), value, number, limit + 1),
        )
        items = tuple(to_source(row) for row in rows[:limit])
        return Page(items, cursor_after(listing, rows[limit - 1]) if len(rows) > limit else None)

    async def counts(self, principal: Principal) -> LibraryCounts:
        row = await self._database.fetchrow(
            SQL["count_readable"], principal.owner_id, list(principal.groups)
        )
        return LibraryCounts(*row) if row else LibraryCounts(0, 0, 0)

    async def source(self, principal: Principal, source_id: str) -> Source | None:
        """None when unknown or not readable."""
        row = await self._database.fetchrow(
            SQL["find_source"], *_reader_arguments(principal, storable(source_id))
        )
        return to_source(row) if row else None

    async def passages(self, principal: Principal, source_id: str) -> tuple[Passage, ...]:
        """All passages of a source in order; empty when unknown or not readable."""
        rows = await self._database.fetch(
            SQL["list_passages"], *_reader_arguments(principal, storable(source_id))
        )
        return tuple(to_passage(row) for row in rows)

    async def passages_between(
        self, principal: Principal, source_id: str, first: int, last: int
    ) -> tuple[Passage, ...]:
        """The passages at these positions, both included, as far as they exist, in order."""
        rows = await self._database.fetch(
            SQL["list_passages_between"],
            *_reader_arguments(principal, storable(source_id), first, last),
        )
        return tuple(to_passage(row) for row in rows)

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None:
        """None when unknown or not readable."""
        row = await self._database.fetchrow(
            SQL["find_passage"],
            *_reader_arguments(principal, storable(source_id), storable(passage_id)),
        )
        return to_passage(row) if row else None

    async def unknown_sources(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> tuple[str, ...]:
        """The `source_ids` that are unknown or not readable, in their order."""
        rows = await self._database.fetch(
            SQL["list_readable"],
            *_reader_arguments(principal, [storable(one) for one in source_ids]),
        )
        readable = {row["source_id"] for row in rows}
        return tuple(one for one in source_ids if one not in readable)

    async def file(self, principal: Principal, source_id: str) -> StoredFile | None:
        """The file served for a source: its audio, else the original."""
        row = await self._database.fetchrow(
            SQL["find_file"], *_reader_arguments(principal, storable(source_id))
        )
        if row is None or row["key"] is None:
            return None
        return StoredFile(row["key"], row["media_type"])

    async def empty(self) -> bool:
        """Whether the library has no source at all."""
        return bool(await self._database.fetchval(SQL["count_sources"]) == 0)

    async def count_private(self, principal: Principal) -> int:
        """The number of the principal's sources that nobody else can read."""
        return int(await self._database.fetchval(SQL["count_private"], principal.owner_id) or 0)

    async def find_same(
        self, principal: Principal, *, origin: str, content_hash: str, embedder: str
    ) -> Source | None:
        """The owner's source that already has this content.

        The source of this origin or, when the origin is new, any source with the same content.
        """
        row = await self._database.fetchrow(
            SQL["find_same"], principal.owner_id, origin, content_hash, embedder
        )
        return to_source(row) if row else None

    async def origins(self, principal: Principal, prefix: str) -> list[tuple[str, str, str]]:
        """Id, origin and name of the person's own sources whose origin begins like this."""
        rows = await self._database.fetch(SQL["list_origins"], principal.owner_id, prefix)
        return [(row["source_id"], row["origin"], row["name"]) for row in rows]

    async def replace(
        self,
        principal: Principal,
        source: NewSource,
        passages: Sequence[tuple[NewPassage, EncodedPassage]],
        *,
        embedder: str,
        now: datetime,
        discard: Discard | None = None,
    ) -> tuple[str, Change]:
        """Store a source in one transaction, replacing the one of this origin; returns its id.

        The id is derived from owner and origin, so it survives changes of the content. `discard`
        receives the files that only the former version used.
        """
        source_id = _digest("source", principal.owner_id, source.origin)
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_library"], timeout=LOCK_TIMEOUT_S)
            old = await connection.fetchrow(SQL["find_origin"], principal.owner_id, source.origin)
            current = old if old and old["deleted_at"] is None else None
            if current and (current["content_hash"], current["embedder"]) == (
                source.content_hash,
                embedder,
            ):
                return source_id, "unchanged"
            if old:
                await _delete_source(connection, old["number"])
            if current:
                source = _with_former_labels(source, current)
            created = current["created_at"] if current else now
            number = await connection.fetchval(
                SQL["insert_source"],
                *(source_id, principal.owner_id),
                *_columns(source, len(passages)),
                *(embedder, created, now, list(source.shared_with), notes_to_json(source.notes)),
            )
            await _insert_passages(connection, principal, number, source_id, source, passages)
            if source.sketch:
                await connection.execute(SQL["insert_sketch"], number, list(source.sketch))
            await connection.execute(SQL["index_terms"], number, timeout=LOCK_TIMEOUT_S)
            await _refresh_statistics(connection)
        if old:
            await self.discard_unnamed(_files_of(old), discard)
        return source_id, "replaced" if current else "added"

    async def delete(self, principal: Principal, source_id: str, *, at: datetime) -> bool:
        """Hide a source until `purge` or `restore`; False when unknown or not the owner's."""
        number = await self._database.fetchval(
            SQL["hide_source"], principal.owner_id, storable(source_id), at
        )
        return number is not None

    async def restore(self, principal: Principal, source_id: str, *, at: datetime) -> bool:
        """Undo a deletion of at most 30 s ago; False when there is none."""
        number = await self._database.fetchval(
            SQL["restore_source"], principal.owner_id, storable(source_id), at - UNDO_WINDOW
        )
        return number is not None

    async def purge(self, *, deleted_before: datetime, discard: Discard | None = None) -> int:
        """Remove sources deleted earlier, with their search index; returns their number.

        `discard` receives the files that no other source uses.
        """
        if not await self._database.fetch(SQL["list_deleted"], deleted_before):
            return 0  # avoids the lock in the common case
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_library"], timeout=LOCK_TIMEOUT_S)
            gone = await connection.fetch(SQL["list_deleted"], deleted_before)
            for old in gone:
                await _delete_source(connection, old["number"])
            await _refresh_statistics(connection)
        await self.discard_unnamed([key for old in gone for key in _files_of(old)], discard)
        return len(gone)

    async def discard_unnamed(self, keys: Sequence[str], discard: Discard | None) -> None:
        """Remove files that no row references any more.

        Runs after the commit that dropped the references, so that a failed commit cannot lose a
        file; in its own transaction, because while the lock is held no new reference can appear.
        A file that cannot be removed only wastes space.
        """
        if discard is None or not keys:
            return
        try:
            async with self._database.transaction() as connection:
                await connection.execute(SQL["lock_library"], timeout=LOCK_TIMEOUT_S)
                rows = await connection.fetch(SQL["list_referenced"], keys)
                unnamed = set(keys) - {row["key"] for row in rows}
                if unnamed:
                    await discard(sorted(unnamed))
        except (StoreUnavailable, OSError) as error:
            log.warning("Unreferenced files could not be removed: %s", error)

    async def set_title(
        self, principal: Principal, source_id: str, title: str, *, now: datetime
    ) -> bool:
        """Rename a source and reindex its terms, which include the title.

        False when unknown or not the owner's. The vectors still contain the old title; see
        `replace_vectors`.
        """
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_library"], timeout=LOCK_TIMEOUT_S)
            old = await connection.fetchrow(
                SQL["find_owned"], principal.owner_id, storable(source_id)
            )
            if old is None:
                return False
            number = old["number"]
            await connection.execute(SQL["forget_terms"], number, timeout=LOCK_TIMEOUT_S)
            await connection.execute(SQL["delete_terms"], number)
            await connection.execute(SQL["delete_lexemes"], number)
            await connection.execute(SQL["set_title"], number, storable(title), now)
            await connection.execute(SQL["index_terms"], number, timeout=LOCK_TIMEOUT_S)
        return True

    async def similar(self, principal: Principal, source_id: str) -> tuple[Similar, ...]:
        """The principal's other sources that are near-duplicates of this one, most similar first.

        The caller has checked that the source is readable.
        """
        sketch = await self._database.fetchval(SQL["find_sketch"], storable(source_id))
        if sketch is None:
            return ()
        rows = await self._database.fetch(
            SQL["find_similar"],
            principal.owner_id,
            sketch,
            storable(source_id),
            MAX_SKETCHES_COMPARED,
        )
        similarities = [(row, round(estimate_similarity(sketch, row["hashes"]), 2)) for row in rows]
        similarities.sort(key=lambda one: -one[1])
        return tuple(
            Similar(row["source_id"], row["title"], share)
            for row, share in similarities
            if share >= NEAR_DUPLICATE
        )

    async def add_labels(
        self,
        principal: Principal,
        source_id: str,
        *,
        origin: str,
        tags: Sequence[str],
        shared: bool,
        now: datetime,
    ) -> None:
        """Add tags; share the source if `origin` is the one that it was stored with."""
        await self._database.execute(
            SQL["add_labels"],
            *(principal.owner_id, source_id, origin),
            *([storable(tag) for tag in tags], shared, now),
        )

    async def set_tags(
        self, principal: Principal, source_id: str, tags: Sequence[str], *, now: datetime
    ) -> bool:
        """Replace the tags; False when unknown or not the owner's."""
        changed = await self._database.fetchval(
            SQL["set_tags"],
            principal.owner_id,
            storable(source_id),
            [storable(tag) for tag in tags],
            now,
        )
        return changed is not None

    async def set_access(
        self,
        principal: Principal,
        source_id: str,
        *,
        shared: bool,
        groups: Sequence[str],
        now: datetime,
    ) -> bool:
        """Share with everyone, with groups or not at all; False when not the owner's."""
        changed = await self._database.fetchval(
            SQL["set_access"],
            *(principal.owner_id, storable(source_id), shared),
            *([storable(group) for group in groups], now),
        )
        return changed is not None

    async def embedders(self) -> tuple[str, ...]:
        """The embedders of all stored vectors."""
        rows = await self._database.fetch(SQL["list_embedders"])
        return tuple(row["embedder"] for row in rows)

    async def sources_of_others(self, embedder: str) -> tuple[str, ...]:
        """Ids of the sources embedded with another embedder, oldest first."""
        rows = await self._database.fetch(SQL["list_outdated"], embedder)
        return tuple(row["source_id"] for row in rows)

    async def stored_texts(self, source_id: str) -> tuple[StoredText, ...]:
        """The embedded texts of a source, in order."""
        rows = await self._database.fetch(SQL["list_texts"], source_id)
        return tuple(StoredText(*row) for row in rows)

    async def replace_vectors(
        self, source_id: str, encoded: Mapping[int, EncodedPassage], *, embedder: str
    ) -> bool:
        """Replace all vectors of a source in one transaction.

        False, without changes, when the source's passages have changed meanwhile.
        """
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_library"], timeout=LOCK_TIMEOUT_S)
            source = await connection.fetchval(SQL["lock_source"], source_id)
            rows = await connection.fetch(SQL["number_passages"], source)
            if source is None or {row["number"] for row in rows} != set(encoded):
                return False
            await connection.execute(SQL["delete_vectors"], source)
            await connection.execute(SQL["delete_tokens"], source)
            await _insert_encoded(connection, source, encoded)
            await connection.execute(SQL["set_embedder"], source, embedder)
        return True


def _listing_query(order: Order) -> str:
    match order:
        case "newest":
            return SQL["list_newest"]
        case "title":
            return SQL["list_titles"]
        case "longest":
            return SQL["list_longest"]


def _reader_arguments(principal: Principal, *query: object) -> tuple[object, ...]:
    """Arguments of a query that is limited to what a principal may read."""
    return (principal.owner_id, *query, list(principal.groups))


def _with_former_labels(source: NewSource, old: Record) -> NewSource:
    """A new version keeps the sharing and the tags of the former one."""
    return replace(
        source,
        shared=source.shared or old["shared"],
        shared_with=tuple(old["shared_with"]),
        tags=tuple(dict.fromkeys((*old["tags"], *source.tags))),
    )


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
    number: int,
    source_id: str,
    source: NewSource,
    passages: Sequence[tuple[NewPassage, EncodedPassage]],
) -> None:
    new = [passage for passage, _ in passages]
    # Content and text are part of the id, so that a citation never points to other words.
    ids = [
        _digest("passage", source_id, source.content_hash, str(position), passage.text)
        for position, passage in enumerate(new)
    ]
    await connection.execute(
        SQL["insert_passages"],
        *(number, principal.owner_id, ids),
        *([p.text for p in new], [p.heading for p in new]),
        *([p.char_start for p in new], [p.char_end for p in new], [p.page for p in new]),
        *([p.start_s for p in new], [p.end_s for p in new], [p.speaker for p in new]),
        [cues_to_json(p.cues) for p in new],
        [spans_to_json(p.structure) for p in new],
    )
    rows = await connection.fetch(SQL["number_passages"], number)
    pairs = zip(rows, passages, strict=True)
    await _insert_encoded(connection, number, {row["number"]: one for row, (_, one) in pairs})


async def _insert_encoded(
    connection: Connection, source: int, encoded: Mapping[int, EncodedPassage]
) -> None:
    vectors = [(number, source, HalfVector(one.vector)) for number, one in encoded.items()]
    tokens = [(number, one.tokens) for number, one in encoded.items() if one.tokens is not None]
    # In batches: statements have a timeout, and a book has thousands of passages.
    for begin in range(0, len(encoded), VECTOR_BATCH):
        part = slice(begin, begin + VECTOR_BATCH)
        await connection.executemany(SQL["insert_vectors"], vectors[part])
        await connection.executemany(SQL["insert_tokens"], tokens[part])


async def _delete_source(connection: Connection, number: int) -> None:
    await connection.execute(SQL["forget_terms"], number, timeout=LOCK_TIMEOUT_S)
    await connection.execute(SQL["delete_source"], number)


def _files_of(old: Record) -> list[str]:
    return [key for key in (old["original_key"], old["audio_key"]) if key is not None]


async def _refresh_statistics(connection: Connection) -> None:
    average = await connection.fetchval(SQL["refresh_average"])
    if average is not None:
        await connection.execute(SQL["refresh_weights"], average, timeout=LOCK_TIMEOUT_S)


def _digest(kind: str, *parts: str) -> str:
    """An opaque id; length prefixes keep the parts unambiguous."""
    text = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
