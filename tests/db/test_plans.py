"""The hot queries use their intended index, in a database large enough for it to matter."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest
from asyncpg import Connection
from pgvector import HalfVector, SparseVector

from app.db.pool import Database
from app.db.queries import load_queries

_FILL = (
    """
    INSERT INTO conversations (owner_id, session_id, title, filters, created_at, updated_at)
    SELECT 'owner' || n % 50, 's' || n, '', '{}', now(), now() - n * interval '1 s'
    FROM generate_series(1, 3000) AS n
    """,
    """
    INSERT INTO messages (message_id, owner_id, session_id, role, content, status, question_id,
                          filters, created_at)
    SELECT 'm' || n, 'owner' || n / 2 % 50, 's' || n / 2,
           CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END, '', 'complete', 'm' || n / 2 * 2,
           '{}', now()
    FROM generate_series(2, 6001) AS n
    """,
    """
    INSERT INTO runs (run_id, owner_id, session_id, message_id, question_id, route, status,
                      process_id, reserved, model, filters, on_disconnect, request_hash, created_at,
                      ended_at, terminal_seq, idempotency_key)
    SELECT 'r' || n, 'owner' || n % 50, 's' || n, 'm' || n, 'm' || n, 'chat',
           CASE WHEN n > 2900 THEN 'running' ELSE 'complete' END, 'p' || n % 4, 1, '', '{}',
           'cancel', '', now(), now() - n * interval '1 min', CASE WHEN n <= 2900 THEN 1 END,
           'k' || n
    FROM generate_series(1, 3000) AS n
    """,
    """
    INSERT INTO run_events (run_id, seq, last_seq, data, text)
    SELECT 'r' || n % 100, n, n, '', '' FROM generate_series(1, 10000) AS n
    """,
    "ANALYZE",
)


@pytest.fixture
async def filled(database: Database) -> AsyncIterator[Connection]:
    async with database.connection() as connection:
        for statement in _FILL:
            await connection.execute(statement)
        yield connection


async def plan_of(
    connection: Connection, queries: Mapping[str, str], query: str, *arguments: object
) -> str:
    explained = f"EXPLAIN (COSTS OFF) {queries[query]}"
    return "\n".join(row[0] for row in await connection.fetch(explained, *arguments))


def scanned(plan: str) -> list[str]:
    """The tables that are read by a sequential scan."""
    return re.findall(r"Seq Scan on (\w+)", plan)


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "arguments", "index"),
    [
        ("read_run", ("r1", "owner1"), "runs_pkey"),
        ("find_repeated", ("owner1", "chat", "k1"), "runs_idempotency"),
        ("read_entries", ("r1", 5, 100), "run_events_pkey"),
        ("join_tokens", ("r1",), "run_events_pkey"),
        ("read_answer", ("r1", "owner1"), "messages_pkey"),
        ("list_stops", ("p1",), "runs_of_process"),
        ("take_run", ("r2950", 1, "p2", None, "p9"), "runs_pkey"),
        ("list_turns", ("owner1", "s1", "m2", 10, 10, 500), "messages_in_order"),
        ("list_turns", ("owner1", "s1", "m2", 10, 10, 500), "messages_by_question"),
        ("read_partial", ("m3", "owner1"), "messages_pkey"),
        (
            "append_events",
            (["r2950"], [1], [9], [99], ["r2950"], [9], [9], ["{}"], [""], ["progress:x"]),
            "runs_pkey",
        ),
        ("purge_runs", (LONG_AGO,), "runs_to_purge"),
        ("list_leases", (), "runs_of_process"),
    ],
)
async def test_the_run_log_uses_its_indexes(
    filled: Connection, query: str, arguments: tuple[object, ...], index: str
) -> None:
    plan = await plan_of(filled, load_queries("run_log"), query, *arguments)
    assert index in plan, plan
    assert set(scanned(plan)) <= {"pending_stops", "processes"}, plan


async def used(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
    """The number of sequential scans of each table, and uses of each index."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    tables = await connection.fetch("SELECT relname, seq_scan FROM pg_stat_user_tables")
    indexes = await connection.fetch("SELECT indexrelname, idx_scan FROM pg_stat_user_indexes")
    return dict(map(tuple, tables)), dict(map(tuple, indexes))


async def test_a_run_is_started_by_indexes(filled: Connection) -> None:
    """What a function does is in no plan, but it is counted. The conversation was deleted."""
    await filled.execute("UPDATE conversations SET deleted_at = now() WHERE session_id = 's1'")
    tables, indexes = await used(filled)
    found = await filled.fetchrow(
        *(load_queries("run_log")["start_run"], [3, 4], ["owner1 s1", "x"], False, 9, LONG_AGO),
        *("x", "owner1", "s1", "answer", "question", "chat", "p1", 10_000, None, "key", "model"),
        *({}, "cancel", NOW, "hash", "title", "Why?", None),
    )
    assert (found["taken"], found["deleted"], found["repeated"]) == (False, True, False)
    whole, by = await used(filled)
    for table in ("runs", "conversations", "messages", "run_events"):
        assert whole[table] == tables[table], table
    for index in ("runs_active", "conversations_pkey", "runs_of_conversation", "runs_idempotency"):
        assert by[index] > indexes[index], index


@pytest.mark.parametrize(
    ("query", "arguments", "index"),
    [
        ("list_recent", ("owner1", None, None, 20), "conversations_newest"),
        ("search_conversations", ("owner1", None, None, 20, "'tea':*", ["%tea%"]), "by_terms"),
        ("read_conversation", ("owner1", "s1"), "conversations_pkey"),
        ("list_messages", ("owner1", "s1", 0, 50), "messages_in_order"),
        ("list_latest_messages", ("owner1", "s1", 2**63 - 1, 50), "messages_in_order"),
    ],
)
async def test_the_conversations_use_their_indexes(
    filled: Connection, query: str, arguments: tuple[object, ...], index: str
) -> None:
    plan = await plan_of(filled, load_queries("conversations"), query, *arguments)
    assert index in plan, plan
    assert scanned(plan) == [], plan


_LIBRARY = (
    """
    INSERT INTO sources (source_id, owner_id, origin, shared, title, kind, name, media_type,
                         content_hash, text, passage_count, tags, speakers, embedder, created_at,
                         updated_at)
    SELECT 's' || n, 'owner', 'o' || n, false, '', 'document', '', '', '', '', 8, '{}', '{}',
           'e', now(), now()
    FROM generate_series(1, 100) AS n
    """,
    """
    INSERT INTO passages (passage_id, source, owner_id, position, text, char_start, char_end, cues)
    SELECT 'p' || n, 1 + n / 8, 'owner', n % 8, '', 0, 0, '[]'
    FROM generate_series(0, 799) AS n
    """,
    """
    INSERT INTO passage_vectors (passage, source, embedding)
    SELECT number, source, array_fill(number::real, ARRAY[384])::vector::halfvec FROM passages
    """,
    """
    INSERT INTO passage_terms (passage, source, weights)
    SELECT number, source, format('{%s:1,%s:1}/1000000000', number, 1000 + number % 3)::sparsevec
    FROM passages
    """,
    "ANALYZE",
)


@pytest.mark.parametrize(
    ("query", "asked", "index", "small"),
    [
        (
            "search_passages",
            (
                *("tea", HalfVector([0.5] * 384), "e", 50, 0.4, [7, 8]),
                *(HalfVector([0.5] * 384), None, 60.0),
            ),
            "passage_vectors_near",
            # Results are joined; for eight hundred rows a hash join is cheaper than look-ups.
            {
                *("sources", "library_statistics", "lexemes", "passages", "passage_terms"),
                "ingest_jobs",
            },
        ),
        (
            "nearest_passages",
            (HalfVector([0.5] * 384), "e"),
            "passage_vectors_near",
            {"sources"},
        ),
        (
            "passages_by_terms",
            (SparseVector({6: 1.0}, 10**9), [7]),
            "passage_terms_by_lexeme",
            {"sources"},
        ),
        (
            "passages_by_term_sets",
            (SparseVector({6: 1.0}, 10**9), ["{7,1001}"]),
            "passage_terms_by_lexeme",
            {"sources"},
        ),
    ],
)
async def test_a_large_library_is_searched_by_its_indexes(
    database: Database, query: str, asked: tuple[object, ...], index: str, small: set[str]
) -> None:
    """By the indexes of words and vectors, not that of sources, which would read everything."""
    async with database.connection() as connection:
        for statement in _LIBRARY:
            await connection.execute(statement)
        everything: tuple[object, ...] = ("owner", [], [], [], None, None, [])
        queries = load_queries("search", package="app.search")
        plan = await plan_of(connection, queries, query, *everything, *asked)
    assert index in plan, plan
    assert set(scanned(plan)) <= small, plan


async def test_similar_sources_are_found_by_their_hashes(database: Database) -> None:
    """Also while a new library has no statistics, which is when most sources are added."""
    async with database.connection() as connection:
        await connection.execute(_LIBRARY[0].replace("(1, 100)", "(1, 1000)"))
        await connection.execute(
            "INSERT INTO source_sketches SELECT number, ARRAY(SELECT number * 1000 + place "
            "FROM generate_series(1, 45) AS place) FROM sources"
        )
        plan = await plan_of(
            connection, load_queries("library"), "find_similar", "owner", ["s1", "s2"], 20
        )
    assert "source_sketches_by_hash" in plan, plan
    assert scanned(plan) == [], plan
    assert plan.index("sources_pkey") > plan.index("source_sketches_by_hash"), plan
