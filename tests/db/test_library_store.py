"""Sources and passages: visibility, replacement, and the state after failures."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import pytest

from app.db.library_store import LibraryStore
from app.db.page_cursors import to_cursor
from app.db.pool import Database
from app.domain.errors import InvalidInput, StoreUnavailable
from app.domain.library_ports import (
    Change,
    Discard,
    EncodedPassage,
    NewPassage,
    NewSource,
    SourceVersion,
)
from app.domain.models import (
    Cue,
    FidelityNote,
    Filters,
    LibraryCounts,
    Listing,
    SourceKind,
    Span,
    StoredFile,
)
from app.domain.principals import Principal
from app.search.passage_index import PostgresPassageIndex
from tests.db.library import ANA, BEN, EMBEDDER, NOON, embedded, encoded, new_source, store, vector

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def library(database: Database) -> LibraryStore:
    return LibraryStore(database)


async def statistics(database: Database) -> dict[str, object]:
    """Document frequencies and totals, as searches see them."""
    total = await database.fetchrow("SELECT passages, total_length FROM library_statistics")
    rows = await database.fetch("SELECT lexeme, passages FROM lexemes WHERE passages <> 0")
    assert total is not None
    return dict(total) | {row["lexeme"]: row["passages"] for row in rows}


SPANS = (Span("row", 0, 3), Span("item", 4, 9), Span("code", 9, 14))


async def test_what_is_stored_can_be_read(library: LibraryStore) -> None:
    cues = (Cue(5, 11, 1.5, 2.5, "Ana"), Cue(12, 14, 2.5, 3.0, None))
    passage = NewPassage("Ana: Hello. Hm", 7, 21, "Start > Now", 3, 1.5, 3.0, "Ana", cues, SPANS)
    source = replace(
        new_source(kind="recording", tags=["a", "b"], shared=True),
        pages=4,
        duration_s=3.0,
        speakers=("Ana",),
        original=StoredFile("k1", "text/vtt"),
        audio=StoredFile("k2", "audio/mpeg"),
        notes=(FidelityNote("pages_without_text", 3, 22), FidelityNote("pictures", 2)),
    )
    version = SourceVersion(source, [(passage, encoded("x"))])
    ((source_id, change),) = await library.replace(ANA, [version], embedder=EMBEDDER, now=NOON)
    assert change == "added"
    stored = await library.source(ANA, source_id)
    assert stored is not None
    assert (stored.title, stored.kind, stored.pages) == ("Tea", "recording", 4)
    assert stored.tags == ("a", "b")
    assert stored.notes == source.notes
    assert (stored.owner_id, stored.shared, stored.audio) == ("ana", True, True)
    assert (stored.created_at, stored.passage_count, stored.speakers) == (NOON, 1, ("Ana",))
    (read,) = await library.passages(ANA, source_id)
    assert (read.text, read.char_start, read.char_end) == (passage.text, 7, 21)
    assert (read.heading, read.page, read.speaker, read.cues) == ("Start > Now", 3, "Ana", cues)
    assert (read.title, read.kind, read.position, read.start_s) == ("Tea", "recording", 0, 1.5)
    assert read.structure == SPANS
    assert await library.passage(ANA, source_id, read.passage_id) == read
    assert await library.file(ANA, source_id) == StoredFile("k2", "audio/mpeg")


async def test_foreign_and_unknown_sources_look_the_same(library: LibraryStore) -> None:
    hers = await store(library, "Ana's own.")
    shared = await store(library, "For all.", source=new_source("all.md", shared=True))
    (passage,) = await library.passages(ANA, hers)
    for source_id in (hers, "no-such-source", "a\0b", "\ud800"):
        assert await library.source(BEN, source_id) is None
        assert await library.passages(BEN, source_id) == ()
        assert await library.passage(BEN, source_id, passage.passage_id) is None
        assert await library.file(BEN, source_id) is None
        assert await library.delete(BEN, source_id, at=LATER) is False
        assert await library.restore(BEN, source_id, at=LATER) is False
        assert await library.set_tags(BEN, source_id, ["x"], now=LATER) is False
    assert await library.unknown_sources(BEN, [shared, hers, "a\0b"]) == (hers, "a\0b")
    assert await library.unknown_sources(ANA, [shared, hers]) == ()
    assert [s.source_id for s in (await library.sources(BEN)).items] == [shared]
    assert {s.source_id for s in (await library.sources(ANA)).items} == {hers, shared}
    # Sharing grants read access only: Ana still owns it.
    assert await library.passages(BEN, shared)
    assert await library.delete(BEN, shared, at=LATER) is False


async def test_openings_are_the_first_passages_of_what_may_be_read(library: LibraryStore) -> None:
    hers = await store(library, "Ana's own.")
    texts = [f"Part {number}." for number in range(5)]
    shared = await store(library, *texts, source=new_source("all.md", shared=True))
    openings = await library.openings(BEN, [shared, hers, "unknown", "a\0b"])
    assert list(openings) == [shared]
    assert [passage.text for passage in openings[shared]] == texts[:3]
    assert set(await library.openings(ANA, [hers, shared])) == {hers, shared}


async def test_sources_come_newest_first(library: LibraryStore) -> None:
    await store(library, "old", source=new_source("a"), now=NOON)
    await store(library, "new", source=new_source("b"), now=LATER)
    assert [s.name for s in (await library.sources(ANA)).items] == ["b", "a"]


async def test_the_same_content_changes_nothing(library: LibraryStore, database: Database) -> None:
    source_id = await store(library, "Green tea.")
    before = await database.fetchval("SELECT xmin::text FROM sources")
    version = SourceVersion(new_source(), [])
    again = await library.replace(ANA, [version], embedder=EMBEDDER, now=LATER)
    assert again == [(source_id, "unchanged")]
    assert await database.fetchval("SELECT xmin::text FROM sources") == before


async def test_changed_content_replaces_everything(
    library: LibraryStore, database: Database
) -> None:
    source_id = await store(library, "Green tea.", "Black tea.", now=NOON)
    (old, _) = await library.passages(ANA, source_id)
    changed = new_source(content="2", title="Teas")
    passages = [(NewPassage("Green tea.", 0, 10), encoded("Green tea."))]
    version = SourceVersion(changed, passages)
    result = await library.replace(ANA, [version], embedder=EMBEDDER, now=LATER)
    assert result == [(source_id, "replaced")]
    (new,) = await library.passages(ANA, source_id)
    assert new.passage_id != old.passage_id
    assert await library.passage(ANA, source_id, old.passage_id) is None
    source = await library.source(ANA, source_id)
    assert source is not None
    assert (source.title, source.created_at, source.passage_count) == ("Teas", NOON, 1)
    for table in (
        "passages",
        "passage_vectors",
        "passage_terms",
        "passage_lexemes",
        "passage_tokens",
    ):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 1  # noqa: S608


async def test_a_failure_leaves_the_old_version(library: LibraryStore, database: Database) -> None:
    source_id = await store(library, "Green tea.")
    before = await statistics(database)
    wrong = EncodedPassage(np.zeros(0, np.float32), None)  # no vector: refused at the very end
    with pytest.raises(Exception, match="at least 1 dimension"):
        await library.replace(
            ANA,
            [SourceVersion(new_source(content="2"), [(NewPassage("Black tea.", 0, 10), wrong)])],
            embedder=EMBEDDER,
            now=LATER,
        )
    (passage,) = await library.passages(ANA, source_id)
    assert passage.text == "Green tea."
    assert await statistics(database) == before


async def test_sources_are_stored_together_or_not_at_all(
    library: LibraryStore, database: Database
) -> None:
    await store(library, "Green tea.", source=new_source("a"))
    before = await statistics(database)
    wrong = EncodedPassage(np.zeros(0, np.float32), None)
    versions = [
        SourceVersion(new_source("a", content="2"), [(NewPassage("Red.", 0, 4), encoded("Red."))]),
        SourceVersion(new_source("b", content="3"), [(NewPassage("Blue.", 0, 5), wrong)]),
    ]
    with pytest.raises(Exception, match="at least 1 dimension"):
        await library.replace(ANA, versions, embedder=EMBEDDER, now=LATER)
    assert [source.name for source in (await library.sources(ANA)).items] == ["a"]
    assert await statistics(database) == before


async def test_sources_stored_together_are_as_stored_one_by_one(
    library: LibraryStore, database: Database
) -> None:
    texts = {"a": ["Green tea.", "Hot tea."], "b": ["Iced tea and a cup."], "c": ["Milk."]}
    versions = [
        SourceVersion(
            new_source(name, content=name),
            [(NewPassage(text, 0, len(text)), encoded(text)) for text in own],
        )
        for name, own in texts.items()
    ]
    for version in versions:
        await library.replace(BEN, [version], embedder=EMBEDDER, now=NOON)
    alone = await statistics(database)
    for source in (await library.sources(BEN)).items:
        await library.delete(BEN, source.source_id, at=NOON)
    await library.purge(deleted_before=LATER)
    old = await store(library, "An old text.", source=new_source("c"))
    results = await library.replace(ANA, versions, embedder=EMBEDDER, now=LATER)
    assert [change for _, change in results] == ["added", "added", "replaced"]
    assert results[2][0] == old
    assert await statistics(database) == alone
    for (source_id, _), own in zip(results, texts.values(), strict=True):
        stored = await library.passages(ANA, source_id)
        assert [passage.text for passage in stored] == own
    vectors = await database.fetch(
        "SELECT p.text, v.embedding, t.states FROM passages p "
        "JOIN passage_vectors v ON v.passage = p.number AND v.source = p.source "
        "JOIN passage_tokens t ON t.passage = p.number"
    )
    assert {row["text"]: row["states"] for row in vectors} == {
        text: text.encode() for own in texts.values() for text in own
    }


async def test_statistics_are_those_of_the_sources_left(
    library: LibraryStore, database: Database
) -> None:
    await store(library, "Green tea.", "Hot tea and tea.", source=new_source("a", title="Cups"))
    only_a = await statistics(database)
    assert only_a == {"passages": 2, "total_length": 11, "green": 1, "tea": 2, "hot": 1, "cup": 2}
    other = await store(library, "Iced tea.", source=new_source("b"))
    assert (await statistics(database))["tea"] == 3
    assert await library.delete(ANA, other, at=NOON) is True
    assert await library.delete(ANA, other, at=NOON) is False
    assert await library.purge(deleted_before=NOON) == 0
    assert await library.purge(deleted_before=LATER) == 1
    assert await statistics(database) == only_a


async def test_a_deleted_source_is_hidden_and_comes_back_within_30_seconds(
    library: LibraryStore, database: Database
) -> None:
    source_id = await store(library, "Green tea.")
    (passage,) = await library.passages(ANA, source_id)
    before = await library.source(ANA, source_id)
    assert await library.delete(ANA, source_id, at=NOON)
    assert (await library.sources(ANA)).items == ()
    assert await library.source(ANA, source_id) is None
    assert await library.passages(ANA, source_id) == ()
    assert await library.passage(ANA, source_id, passage.passage_id) is None
    assert await library.file(ANA, source_id) is None
    assert await library.unknown_sources(ANA, [source_id]) == (source_id,)
    assert not await library.set_tags(ANA, source_id, ["x"], now=NOON)
    assert not await library.set_title(ANA, source_id, "x", now=NOON)
    index = PostgresPassageIndex(database)
    search = partial(index.search, ANA, "tea", embedder=EMBEDDER, filters=Filters(), limit=9)
    hidden = await search(vector=embedded("tea"))
    assert (hidden.candidates, hidden.searched_sources) == ((), 0)
    assert not await library.restore(ANA, source_id, at=NOON + timedelta(seconds=31))
    assert await library.restore(ANA, source_id, at=NOON + timedelta(seconds=30))
    assert await library.source(ANA, source_id) == before
    found = await search(vector=embedded("tea"))
    assert [one.passage for one in found.candidates] == [passage]
    assert not await library.restore(ANA, source_id, at=NOON)


async def test_a_deleted_source_that_is_added_again_is_new(library: LibraryStore) -> None:
    source_id = await store(library, "Green tea.", now=NOON)
    await library.delete(ANA, source_id, at=NOON)
    assert await library.find_same(ANA, {"tea.md": "1"}, embedder=EMBEDDER) == {}
    passages = [(NewPassage("Green tea.", 0, 10), encoded("Green tea."))]
    version = SourceVersion(new_source(), passages)
    added = await library.replace(ANA, [version], embedder=EMBEDDER, now=LATER)
    assert added == [(source_id, "added")]
    assert not await library.restore(ANA, source_id, at=NOON)
    assert await library.purge(deleted_before=LATER) == 0
    source = await library.source(ANA, source_id)
    assert source is not None
    assert source.created_at == LATER


async def test_writers_at_once_count_everything(library: LibraryStore, database: Database) -> None:
    words = ["tea", "cup", "kettle", "leaf", "spoon"]
    await asyncio.gather(
        *(
            store(
                library, *(f"{word} {words[n % 5]}" for word in words), source=new_source(f"s{n}")
            )
            for n in range(12)
        )
    )
    counted = await statistics(database)
    assert counted["passages"] == 60
    # Every title says "tea".
    assert counted["tea"] == 60
    recounted = await database.fetchval(
        "SELECT bool_and(l.passages = (SELECT count(*) FROM passage_lexemes t "
        "WHERE l.number = ANY (t.lexemes))) FROM lexemes l"
    )
    assert recounted is True


async def test_the_same_file_twice_at_once_is_one_source(library: LibraryStore) -> None:
    ids = await asyncio.gather(*(store(library, "Green tea.") for _ in range(4)))
    assert len(set(ids)) == 1
    assert len(await library.passages(ANA, ids[0])) == 1


async def test_weights_follow_the_average_length(library: LibraryStore, database: Database) -> None:
    await store(library, "tea", source=new_source("a"))
    alone = await database.fetchval("SELECT weights::text FROM passage_terms ORDER BY passage")
    await store(library, "many words make a long passage here", source=new_source("b"))
    among_longer = await database.fetchval(
        "SELECT weights::text FROM passage_terms ORDER BY passage"
    )
    assert among_longer != alone
    stale = await database.fetchval(
        "SELECT count(*) FROM passage_terms t JOIN passage_lexemes l USING (passage), "
        "library_statistics s WHERE t.weights::text <> "
        "lexical_weights(l.lexemes, l.frequencies, l.length, s.average_length)::text"
    )
    assert stale == 0


async def test_two_owners_may_have_the_same_file(library: LibraryStore) -> None:
    hers, his = await store(library, "Tea."), await store(library, "Tea.", owner=BEN)
    assert hers != his
    (her_passage,) = await library.passages(ANA, hers)
    (his_passage,) = await library.passages(BEN, his)
    assert her_passage.passage_id != his_passage.passage_id


async def test_the_same_content_is_found_wherever_it_comes_from(library: LibraryStore) -> None:
    source_id = await store(library, "Tea.")

    async def same(origin: str, content: str = "1", owner: Principal = ANA) -> str | None:
        found = await library.find_same(owner, {origin: content}, embedder=EMBEDDER)
        return found[origin].source_id if found else None

    assert await same("tea.md") == source_id
    assert await same("copy.md") == source_id
    assert await same("tea.md", content="2") is None
    assert await same("tea.md", owner=BEN) is None
    await store(library, "Coffee.", source=new_source("coffee.md", content="3"))
    assert await same("coffee.md") is None  # it was something else: now it is to be replaced
    assert await library.find_same(ANA, {"tea.md": "1"}, embedder="x") == {}


async def test_tags_are_replaced(library: LibraryStore) -> None:
    source_id = await store(library, "Tea.")
    assert await library.set_tags(ANA, source_id, ["drinks", "no\0nul"], now=LATER) is True
    source = await library.source(ANA, source_id)
    assert source is not None
    assert source.tags == ("drinks", "no\ufffdnul")


async def test_an_empty_library_says_so(library: LibraryStore) -> None:
    assert await library.empty()
    await store(library, "Tea.", owner=BEN)
    assert not await library.empty()


async def test_sources_that_nobody_else_reads_are_counted(library: LibraryStore) -> None:
    kept = await store(library, "Tea.")
    shared = await store(library, "Milk.", source=new_source("b"))
    grouped = await store(library, "Cups.", source=new_source("c"))
    await store(library, "Tea.", owner=BEN)
    assert await library.count_private(ANA) == 3
    await library.set_access(ANA, shared, shared=True, groups=(), now=LATER)
    await library.set_access(ANA, grouped, shared=False, groups=("board",), now=LATER)
    assert await library.count_private(ANA) == 1
    await library.set_access(ANA, kept, shared=True, groups=(), now=LATER)
    assert await library.count_private(ANA) == 0


async def test_vectors_can_be_exchanged(library: LibraryStore, database: Database) -> None:
    source_id = await store(library, "Green tea.", "Black tea.")
    await store(library, "New.", source=new_source("b"), embedder="other")
    assert await library.embedders() == (EMBEDDER, "other")
    assert await library.sources_of_others("other") == (source_id,)
    texts = await library.stored_texts(source_id)
    assert [(t.title, t.heading, t.text) for t in texts] == [
        ("Tea", None, "Green tea."),
        ("Tea", None, "Black tea."),
    ]
    new = {t.number: EncodedPassage(vector(t.text)[:128], None) for t in texts}
    assert await library.replace_vectors(source_id, new, embedder="other") is True
    assert await library.embedders() == ("other",)
    assert await database.fetchval("SELECT min(vector_dims(embedding)) FROM passage_vectors") == 128
    assert await database.fetchval("SELECT count(*) FROM passage_tokens") == 1
    assert await library.replace_vectors(source_id, {0: encoded("x")}, embedder="y") is False
    assert await library.replace_vectors("unknown", {}, embedder="y") is False
    assert await library.embedders() == ("other",)


async def listed(library: LibraryStore, listing: Listing, *, limit: int) -> list[str]:
    """The names of all pages, following the cursor from page to page."""
    names: list[str] = []
    while True:
        page = await library.sources(ANA, listing, limit=limit)
        assert len(page.items) <= limit
        names += [source.name for source in page.items]
        if page.next is None:
            return names
        assert len(page.items) == limit
        listing = replace(listing, cursor=page.next)


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_the_library_comes_in_pages_in_any_order(library: LibraryStore, limit: int) -> None:
    sizes = {"d": 3, "b": 1, "C": 2, "a": 1, "e": 2}
    for name, size in sizes.items():
        texts = [f"{name} {number}" for number in range(size)]
        await store(library, *texts, source=new_source(name, title=name))
    await store(library, "Ben's.", owner=BEN)
    assert await listed(library, Listing(), limit=limit) == ["e", "a", "C", "b", "d"]
    assert await listed(library, Listing(order="longest"), limit=limit) == ["d", "e", "C", "a", "b"]
    by_title = await listed(library, Listing(order="title"), limit=limit)
    assert [name.lower() for name in by_title] == ["a", "b", "c", "d", "e"]
    assert await library.counts(ANA) == LibraryCounts(5, 0, 9)


async def test_a_page_goes_on_where_the_last_one_ended_whatever_comes_between(
    library: LibraryStore,
) -> None:
    for name in "abcd":
        await store(library, name, source=new_source(name))
    first = await library.sources(ANA, limit=2)
    await store(library, "new", source=new_source("new"))
    last = first.items[-1]
    assert await library.delete(ANA, last.source_id, at=LATER)
    rest = await library.sources(ANA, Listing(cursor=first.next), limit=2)
    assert [source.name for source in rest.items] == ["b", "a"]
    assert rest.next is None


async def test_sources_are_found_by_the_words_of_their_labels(library: LibraryStore) -> None:
    talk = replace(new_source("talk.vtt", kind="recording", title="Kick-off"), speakers=("Zoë",))
    await store(library, "x", source=talk)
    await store(library, "x", source=new_source("100%_tea.md", title="Tea", tags=["Drinks"]))

    async def found(query: str, kind: SourceKind | None = None) -> list[str]:
        return await listed(library, Listing(query=query, kind=kind), limit=1)

    assert await found("") == ["100%_tea.md", "talk.vtt"]
    assert await found("KICK zo") == ["talk.vtt"]
    assert await found("drink tea") == ["100%_tea.md"]
    assert await found("drink kick") == []
    for literal in ("%", "_", "100%_", "\\", "%%%%", "'", '"', "\0"):
        expected = ["100%_tea.md"] if literal in "100%_tea.md" else []
        assert await found(literal) == expected, literal
    assert await found("", "recording") == ["talk.vtt"]
    assert await found("tea", "recording") == []


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("newest",),
        ("newest", "2026-05-06T12:00:00+00:00", "1"),
        ("newest", "2026-05-06T12:00:00", 1),
        ("newest", "yesterday", 1),
        ("newest", 7, 1),
        ("newest", "2026-05-06T12:00:00+00:00", 2**31),
        ("title", "Tea", 1),
        ("longest", 2**40, 1),
    ],
)
async def test_a_cursor_of_another_list_is_refused(
    library: LibraryStore, place: tuple[str | int, ...]
) -> None:
    for cursor in (to_cursor(*place), "!", "a\0b", ""):
        with pytest.raises(InvalidInput, match="not made by this list"):
            await library.sources(ANA, Listing(cursor=cursor))


class Cupboard:
    """Files by key. No file is removed while its name is still visible to others."""

    def __init__(self, database: Database) -> None:
        self.discarded: list[str] = []
        self.named: list[int] = []
        self._database = database

    async def discard(self, keys: Sequence[str]) -> None:
        self.discarded += keys
        self.named.append(
            await self._database.fetchval(
                "SELECT count(*) FROM sources WHERE original_key = ANY ($1)", list(keys)
            )
        )


def filed(content: str, key: str) -> NewSource:
    return replace(new_source(content=content), original=StoredFile(key, "text/markdown"))


async def refuse_commits(database: Database) -> None:
    """From now on every change of a source fails at its end, as with a full disk."""
    await database.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$"
    )
    await database.execute(
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE OR DELETE ON sources "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
    )


def putting(
    library: LibraryStore, discard: Discard
) -> Callable[[NewSource], Awaitable[tuple[str, Change]]]:
    """Stores a source without passages."""

    async def put(source: NewSource) -> tuple[str, Change]:
        version = SourceVersion(source, [])
        (result,) = await library.replace(
            ANA, [version], embedder=EMBEDDER, now=NOON, discard=discard
        )
        return result

    return put


async def test_files_are_removed_after_the_commit_that_dropped_their_names(
    library: LibraryStore, database: Database
) -> None:
    cupboard = Cupboard(database)
    put = putting(library, cupboard.discard)
    await put(filed("1", "k1"))
    await put(filed("2", "k2"))
    assert (cupboard.discarded, cupboard.named) == (["k1"], [0])
    await store(library, "x", owner=BEN, source=filed("2", "k2"))
    await put(filed("3", "k3"))
    assert cupboard.discarded == ["k1"]  # Ben has k2
    (source,) = (await library.sources(ANA)).items
    assert await library.delete(ANA, source.source_id, at=NOON)
    assert await library.purge(deleted_before=LATER, discard=cupboard.discard) == 1
    assert (cupboard.discarded, cupboard.named) == (["k1", "k3"], [0, 0])


async def test_a_commit_that_fails_costs_no_file(library: LibraryStore, database: Database) -> None:
    cupboard = Cupboard(database)
    put = putting(library, cupboard.discard)
    kept, _ = await put(filed("1", "k1"))
    gone = await store(library, "x", source=replace(filed("9", "k9"), origin="b"))
    assert await library.delete(ANA, gone, at=NOON)
    await refuse_commits(database)
    with pytest.raises(StoreUnavailable):
        await put(filed("2", "k2"))
    with pytest.raises(StoreUnavailable):
        await library.purge(deleted_before=LATER, discard=cupboard.discard)
    assert cupboard.discarded == []
    assert await library.file(ANA, kept) == StoredFile("k1", "text/markdown")


async def test_a_file_that_cannot_be_removed_costs_no_change(
    library: LibraryStore, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def discard(keys: Sequence[str]) -> None:
        raise OSError(30, "Read-only file system")

    put = putting(library, discard)
    await put(filed("1", "k1"))
    source_id, change = await put(filed("2", "k2"))
    assert change == "replaced"
    assert await library.file(ANA, source_id) == StoredFile("k2", "text/markdown")
    assert "could not be removed" in caplog.text
