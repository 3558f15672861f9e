"""The search index: both arms, filters inside them, and values that can be checked by hand."""

import math
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from app.db.job_log import PostgresJobLog
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.job_ports import JOB_DEAD_S
from app.domain.models import Filters, Reading, SearchResult
from app.domain.principals import Principal
from app.search.passage_index import LEXICAL_WEIGHT, SQL, PostgresPassageIndex
from tests.db.library import ANA, BEN, EMBEDDER, embedded, new_source, store, vector


@pytest.fixture
def library(database: Database) -> LibraryStore:
    return LibraryStore(database)


@pytest.fixture(
    params=[(2_000, 20_000, 20_000), (0, 20_000, 20_000), (0, 0, 20_000), (0, 0, 0)],
    ids=["whole", "words", "indexed", "apart"],
)
def index(database: Database, request: pytest.FixtureRequest) -> PostgresPassageIndex:
    """Runs every test in four ways: comparing everything, all vectors, and by indexes."""
    full_comparison_max, exact_vectors_max, single_statement_max = request.param
    return PostgresPassageIndex(
        database,
        full_comparison_max=full_comparison_max,
        exact_vectors_max=exact_vectors_max,
        single_statement_max=single_statement_max,
    )


async def search(
    index: PostgresPassageIndex,
    query: str,
    *,
    owner: Principal = ANA,
    near: str | None = None,
    dimensions: int | None = None,
    filters: Filters | None = None,
    limit: int = 50,
) -> SearchResult:
    return await index.search(
        owner,
        query,
        embedded(near or query, dimensions),
        embedder=EMBEDDER,
        filters=filters or Filters(),
        limit=limit,
    )


def texts(result: SearchResult) -> list[str]:
    return [candidate.passage.text for candidate in result.candidates]


async def test_an_empty_library_gives_an_empty_result(index: PostgresPassageIndex) -> None:
    result = await search(index, "anything")
    assert result == SearchResult((), searched_passages=0, searched_sources=0)


async def test_signals_are_those_of_the_formulas(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    passages = ["kettles boil water", "kettles kettles warm pure water", "cups hold drinks"]
    await store(library, *passages, source=new_source(title="Kitchen"))
    result = await search(index, "Which kettles whistle?")
    assert (result.searched_passages, result.searched_sources) == (3, 1)
    first, second = (texts(result).index(passages[n]) for n in (1, 0))
    assert first == 0
    # "which" is a stop word; "kettl" is in 2 of 3 passages, "whistl" in none. The title counts 3.
    known, unknown = math.log(1 + 1.5 / 2.5), math.log(1 + 3.5 / 0.5)
    for place, frequency, length in ((first, 2, 3 + 5), (second, 1, 3 + 3)):
        candidate = result.candidates[place]
        k = 0.7 * (0.25 + 0.75 * length / ((6 + 8 + 6) / 3))
        assert candidate.bm25 == pytest.approx(known * frequency * 1.7 / (frequency + k), rel=1e-4)
        assert candidate.coverage == pytest.approx(known / (known + unknown))
        cosine = float(vector("Which kettles whistle?") @ vector(candidate.passage.text))
        assert candidate.cosine == pytest.approx(cosine, abs=1e-3)
    best = result.candidates[0]
    assert best.score == pytest.approx((1 - LEXICAL_WEIGHT) * best.cosine + LEXICAL_WEIGHT)
    cups = next(c for c in result.candidates if c.passage.text == passages[2])
    assert (cups.bm25, cups.coverage) == (0, 0)


async def test_the_title_and_the_heading_can_be_found(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    await store(library, "Take it once a day.", source=new_source("a", title="Aripiprazole"))
    await store(library, "Take it with food.", source=new_source("b", title="Metformin"))
    result = await search(index, "aripiprazole dosage")
    assert texts(result)[0] == "Take it once a day."
    assert 0 < result.candidates[0].coverage < 1


@pytest.mark.parametrize("query", ["what is it", "雨が降る", "", "!?", "\0", "the \ud800"])
async def test_a_query_without_known_words_is_searched_by_meaning(
    index: PostgresPassageIndex, library: LibraryStore, query: str
) -> None:
    await store(library, "what is it", "another one")
    result = await search(index, query, near="what is it", limit=5)
    assert texts(result)[0] == "what is it"
    assert {(c.bm25, c.coverage) for c in result.candidates} == {(0, 0)}


async def test_only_what_is_readable_is_searched(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    await store(library, "secret tea", owner=BEN)
    await store(library, "shared tea", owner=BEN, source=new_source("b", shared=True))
    await store(library, "own tea")
    result = await search(index, "tea")
    assert set(texts(result)) == {"own tea", "shared tea"}
    assert (result.searched_passages, result.searched_sources) == (2, 2)


async def test_filters_hold_inside_both_arms(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    """Two hundred better matches outside the filter displace no result."""
    for n in range(4):
        crowd = [f"tea tea tea number {n} {i}" for i in range(50)]
        await store(library, *crowd, source=new_source(f"crowd{n}", content=str(n)))
    wanted = await store(
        library,
        *(f"{word} with a little tea among many other words" for word in ("one", "two", "three")),
        source=new_source("w", title="Talk", kind="recording", tags=["x", "y"]),
    )
    for filters in (
        Filters(source_ids=(wanted, "unknown", "a\0b")),
        Filters(kinds=("recording",)),
        Filters(tags=("y", "z\0")),
        Filters(source_ids=(wanted,), kinds=("recording", "document"), tags=("x",)),
    ):
        result = await search(index, "tea", filters=filters)
        assert len(result.candidates) == 3, filters
        assert {c.passage.source_id for c in result.candidates} == {wanted}
        assert (result.searched_passages, result.searched_sources) == (3, 1)
        assert all(c.bm25 > 0 for c in result.candidates)
    nothing = await search(index, "tea", filters=Filters(source_ids=(wanted,), tags=("none",)))
    assert nothing == SearchResult((), 0, 0)


async def test_days_bound_when_a_source_was_added(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    """`after` is included, `before` is not, and a day begins at midnight UTC."""
    for day, hour in ((5, 23), (6, 0), (6, 23), (7, 0)):
        name = f"{day}-{hour}"
        added = datetime(2026, 5, day, hour, tzinfo=UTC)
        await store(library, f"tea {name}", source=new_source(name, content=name), now=added)
    sixth, seventh, eighth = (date(2026, 5, day) for day in (6, 7, 8))
    for filters, expected in (
        (Filters(after=sixth, before=seventh), {"tea 6-0", "tea 6-23"}),
        (Filters(after=sixth), {"tea 6-0", "tea 6-23", "tea 7-0"}),
        (Filters(before=sixth), {"tea 5-23"}),
        (Filters(after=eighth), set()),
    ):
        result = await search(index, "tea", filters=filters)
        assert set(texts(result)) == expected, filters
        assert result.searched_sources == len(expected)
    at_the_edges = Filters(after=date.min, before=date.max)
    assert len((await search(index, "tea", filters=at_the_edges)).candidates) == 4


async def test_a_filter_on_a_foreign_source_finds_nothing(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    foreign = await store(library, "secret tea", owner=BEN)
    result = await search(index, "secret tea", filters=Filters(source_ids=(foreign,)))
    assert result == SearchResult((), 0, 0)


async def test_results_are_the_best_in_order(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    await store(library, *(f"tea {'milk ' * n}" for n in range(30)))
    full_comparison_max, best = await search(index, "tea"), await search(index, "tea", limit=5)
    assert all(a.score >= b.score for a, b in pairwise(full_comparison_max.candidates))
    assert best.candidates == full_comparison_max.candidates[:5]
    assert len(full_comparison_max.candidates) == 30


async def test_vectors_of_another_model_are_not_compared(
    index: PostgresPassageIndex, library: LibraryStore
) -> None:
    await store(library, "tea", embedder="another")
    await store(library, "tea leaves", source=new_source("b"))
    assert texts(await search(index, "qqq"))[:1] == ["tea leaves"]


async def test_vectors_of_any_length_can_be_searched(
    database: Database, library: LibraryStore
) -> None:
    source_id = await store(library, "tea leaves", "coffee beans")
    rows = await library.stored_texts(source_id)
    await database.execute(
        "UPDATE passage_vectors SET embedding = subvector(embedding::vector, 1, 100)::halfvec"
    )
    for single_statement_max in (0, 20_000):
        index = PostgresPassageIndex(
            database,
            full_comparison_max=0,
            exact_vectors_max=0,
            single_statement_max=single_statement_max,
        )
        result = await search(index, "tea", near="tea leaves", dimensions=100, limit=5)
        assert len(result.candidates) == len(rows)


async def test_a_closer_look_gives_token_states_and_how_rare_words_are(
    database: Database, library: LibraryStore
) -> None:
    source_id = await store(library, "tea", "coffee", "coffee beans")
    _, coffee, _ = await library.passages(ANA, source_id)
    words = ["coffee", "the", "beans", "unheard"]
    look = await PostgresPassageIndex(database).fetch_rerank_features(
        [coffee.passage_id, "unknown"], words
    )
    assert look.states == {coffee.passage_id: b"coffee"}
    weights = dict(zip(words, look.weights, strict=True))
    assert weights["the"] == 0
    assert 0 < weights["coffee"] < weights["beans"] < weights["unheard"] == look.absent_weight


async def test_a_closer_look_may_be_at_words_alone(database: Database) -> None:
    look = await PostgresPassageIndex(database).fetch_rerank_features([], ["coffee"])
    assert not look.states
    assert len(look.weights) == 1
    assert not (await PostgresPassageIndex(database).fetch_rerank_features([], [])).weights


async def test_a_search_says_how_far_the_library_is_read(
    database: Database, index: PostgresPassageIndex, library: LibraryStore
) -> None:
    """Of the asker's jobs and of shared ones, while their process is alive."""
    jobs = PostgresJobLog(database)
    await jobs.create(ANA, "ana's", files=3)
    await jobs.create(BEN, "ben's", files=5)
    await jobs.create(BEN, "everyone's", files=19, shared=True)
    await jobs.create(ANA, "silent", files=100)
    await database.fetch(
        "UPDATE ingest_jobs SET beat_at = now() - interval '2 min' WHERE job_id = 'silent'"
    )
    assert (await search(index, "tea")).reading == Reading(done=0, total=22)
    assert await jobs.reading(ANA) == Reading(done=0, total=22)
    assert await jobs.reading(BEN) == Reading(done=0, total=24)
    assert await jobs.reading(Principal("cleo")) == Reading(done=0, total=19)
    assert await jobs.reading(None) == Reading(done=0, total=27)
    await jobs.append("ana's", [("read", b"{}"), ("file", b"{}"), ("file", b"{}")], ends=False)
    await store(library, "tea leaves")
    assert (await search(index, "tea")).reading == Reading(done=2, total=22)
    await jobs.append("everyone's", [("error", b"{}")], ends=True)
    assert (await search(index, "tea")).reading == Reading(done=2, total=3)
    await jobs.append("ana's", [("file", b"{}"), ("done", b"{}")], ends=True)
    assert (await search(index, "tea")).reading is None
    assert await jobs.reading(ANA) is None


async def test_nearest_passages_come_from_the_index(
    database: Database, library: LibraryStore
) -> None:
    await store(library, *(f"tea number {n}" for n in range(300)))
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_sort = off")
        plan = await connection.fetch(
            "EXPLAIN " + SQL["search_passages"],
            *("ana", [], [], [], None, None, [], "tea", vector("tea"), EMBEDDER, 5, 0.4),
            *(None, vector("tea"), None, JOB_DEAD_S),
        )
    assert any("passage_vectors_near" in row[0] for row in plan)
