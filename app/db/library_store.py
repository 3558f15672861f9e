"""The library in PostgreSQL: sources, passages and their search index, changed atomically."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app.db.library_listing import cursor_after, like_patterns, read_cursor
from app.db.library_rows import notes_to_json, reader_arguments, storable, to_passage, to_source
from app.db.library_writes import (
    LOCK_TIMEOUT_S,
    change_of,
    delete_sources,
    files_of,
    insert_encoded,
    insert_sources,
    refresh_statistics,
    source_id_of,
    stored_version,
)
from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.errors import StoreUnavailable
from app.domain.library_ports import Change, Discard, EncodedPassage, SourceVersion, StoredText
from app.domain.models import (
    EVERYTHING,
    FidelityNote,
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
MAX_SKETCHES_COMPARED = 20
"""Maximum number of sources whose sketches are compared."""


class LibraryStore:
    """Implements `Library`, `LibraryWriter` and `LibraryVectors`.

    A principal can read their own sources and those shared with everyone or with one of their
    groups (`readable_by` in sql/fragments.sql). Only the owner can write. Others' sources and
    unknown ones are indistinguishable.
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
            SQL["find_source"], *reader_arguments(principal, storable(source_id))
        )
        return to_source(row) if row else None

    async def passages(self, principal: Principal, source_id: str) -> tuple[Passage, ...]:
        """All passages of a source in order; empty when unknown or not readable."""
        rows = await self._database.fetch(
            SQL["list_passages"], *reader_arguments(principal, storable(source_id))
        )
        return tuple(to_passage(row) for row in rows)

    async def passages_between(
        self, principal: Principal, source_id: str, first: int, last: int
    ) -> tuple[Passage, ...]:
        """The existing passages at these positions (inclusive), in order."""
        rows = await self._database.fetch(
            SQL["list_passages_between"],
            *reader_arguments(principal, storable(source_id), first, last),
        )
        return tuple(to_passage(row) for row in rows)

    async def openings(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Passage, ...]]:
        """The first three passages of each readable source among these."""
        rows = await self._database.fetch(
            SQL["list_openings"],
            *reader_arguments(principal, [storable(one) for one in source_ids]),
        )
        found: dict[str, tuple[Passage, ...]] = {}
        for row in rows:
            found[row["source_id"]] = (
                *found.get(row["source_id"], ()),
                to_passage(row),
            )
        return found

    async def passage(
        self, principal: Principal, source_id: str, passage_id: str
    ) -> Passage | None:
        """None when unknown or not readable."""
        row = await self._database.fetchrow(
            SQL["find_passage"],
            *reader_arguments(principal, storable(source_id), storable(passage_id)),
        )
        return to_passage(row) if row else None

    async def unknown_sources(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> tuple[str, ...]:
        """Those of `source_ids` that are unknown or not readable, in the same order."""
        rows = await self._database.fetch(
            SQL["list_readable"],
            *reader_arguments(principal, [storable(one) for one in source_ids]),
        )
        readable = {row["source_id"] for row in rows}
        return tuple(one for one in source_ids if one not in readable)

    async def file(self, principal: Principal, source_id: str) -> StoredFile | None:
        """The file served for a source: its audio, else the original."""
        row = await self._database.fetchrow(
            SQL["find_file"], *reader_arguments(principal, storable(source_id))
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
        self, principal: Principal, contents: Mapping[str, str], *, embedder: str
    ) -> dict[str, Source]:
        """By origin, the owner's sources that already have this content (given as hashes by
        origin).

        This is the source of that origin or, for a new origin, any source with the same content.
        """
        rows = await self._database.fetch(
            SQL["find_same"], principal.owner_id, [*contents], [*contents.values()], embedder
        )
        return {row["wanted"]: to_source(row) for row in rows}

    async def origins(self, principal: Principal, prefix: str) -> list[tuple[str, str, str]]:
        """Id, origin and name of the principal's own sources whose origin has this prefix."""
        rows = await self._database.fetch(SQL["list_origins"], principal.owner_id, prefix)
        return [(row["source_id"], row["origin"], row["name"]) for row in rows]

    async def replace(
        self,
        principal: Principal,
        versions: Sequence[SourceVersion],
        *,
        embedder: str,
        now: datetime,
        discard: Discard | None = None,
    ) -> list[tuple[str, Change]]:
        """Store sources in one transaction, replacing those with the same origins. Returns their
        ids.

        Origins must be distinct. `discard` receives the files that only former versions used.
        """
        origins = [version.source.origin for version in versions]
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_library"], timeout=LOCK_TIMEOUT_S)
            rows = await connection.fetch(SQL["find_origins"], principal.owner_id, origins)
            found = {row["origin"]: row for row in rows}
            changes = [change_of(one, found.get(one.source.origin), embedder) for one in versions]
            changed = [
                stored_version(principal, version, found.get(version.source.origin), now)
                for version, change in zip(versions, changes, strict=True)
                if change != "unchanged"
            ]
            gone = [
                found[origin] for one in changed if (origin := one.version.source.origin) in found
            ]
            await delete_sources(connection, [row["number"] for row in gone])
            if changed:
                await insert_sources(connection, principal, changed, embedder=embedder, now=now)
                await refresh_statistics(connection)
        await self.discard_unnamed(files_of(gone), discard)
        ids = [source_id_of(principal, origin) for origin in origins]
        return list(zip(ids, changes, strict=True))

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
            await delete_sources(connection, [row["number"] for row in gone])
            await refresh_statistics(connection)
        await self.discard_unnamed(files_of(gone), discard)
        return len(gone)

    async def discard_unnamed(self, keys: Sequence[str], discard: Discard | None) -> None:
        """Remove files that no row references any more.

        This runs after the commit that dropped the references, so that a failed commit cannot lose
        a file. It has its own transaction: while it holds the lock, no new reference can appear. A
        file that cannot be removed only wastes space.
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

        False when unknown or not the owner's. The vectors keep the old title until
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
            await connection.execute(SQL["forget_terms"], [number], timeout=LOCK_TIMEOUT_S)
            await connection.execute(SQL["delete_terms"], number)
            await connection.execute(SQL["delete_lexemes"], number)
            await connection.execute(SQL["set_title"], number, storable(title), now)
            await connection.execute(SQL["index_terms"], [number], timeout=LOCK_TIMEOUT_S)
        return True

    async def similar(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Similar, ...]]:
        """The principal's near-duplicates of each source, most similar first.

        Sources without any are omitted. The caller has checked that the sources are readable.
        """
        rows = await self._database.fetch(
            SQL["find_similar"],
            principal.owner_id,
            [storable(one) for one in source_ids],
            MAX_SKETCHES_COMPARED,
        )
        found = defaultdict[str, list[Similar]](list)
        for row in rows:
            share = round(estimate_similarity(row["of_hashes"], row["hashes"]), 2)
            if share >= NEAR_DUPLICATE:
                found[row["of_source"]].append(Similar(row["source_id"], row["title"], share))
        return {
            one: tuple(sorted(others, key=lambda other: -other.similarity))
            for one, others in found.items()
        }

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
        """Add tags. Share the source if `origin` is the one it was stored with."""
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

    async def set_notes(
        self, principal: Principal, source_id: str, notes: Sequence[FidelityNote]
    ) -> None:
        """Replace the notes on content missing from the text."""
        await self._database.execute(
            SQL["set_notes"], principal.owner_id, source_id, notes_to_json(notes)
        )

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
            rows = await connection.fetch(SQL["number_passages"], [source])
            if source is None or {row["number"] for row in rows} != set(encoded):
                return False
            await connection.execute(SQL["delete_vectors"], source)
            await connection.execute(SQL["delete_tokens"], source)
            await insert_encoded(connection, [(n, source, one) for n, one in encoded.items()])
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
