import re
from pathlib import Path

import pytest

from app.db.pool import Database
from app.db.queries import (
    Queries,
    QueryError,
    include_fragments,
    load_queries,
    parse_fragments,
)

APP = Path(__file__).parents[2] / "app"
NO_QUERIES = {"fragments", "schema"}
STORES = sorted(
    (path.stem, f"app.{path.parents[1].name}")
    for path in APP.glob("*/sql/*.sql")
    if path.stem not in NO_QUERIES
)
USES = re.compile(r'SQL\[\s*"(\w+)"|_change\(\s*"(\w+)"')


def test_a_file_is_cut_into_its_queries() -> None:
    queries = Queries(
        "-- About.\n\n-- name: read_one\nSELECT 1\n\n-- name: read_two\n-- why\nSELECT 2;\n",
        origin="x.sql",
    )
    assert dict(queries) == {"read_one": "SELECT 1", "read_two": "-- why\nSELECT 2;"}
    assert len(queries) == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: read_one\nSELECT 1\n-- name: read_one\nSELECT 2", "read_one is defined twice"),
        ("-- name: read_one\n\n-- name: read_two\nSELECT 2", "read_one is empty"),
        ("-- name: read\nSELECT 1", "not of the form verb_noun"),
        ("SELECT 0\n-- name: read_one\nSELECT 1", "SQL before the first"),
    ],
)
def test_a_malformed_file_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        Queries(text, origin="x.sql")


def test_an_unknown_name_lists_the_known() -> None:
    queries = Queries("-- name: read_one\nSELECT 1", origin="x.sql")
    with pytest.raises(QueryError, match=r"x\.sql: no query 'read_two'; there are read_one"):
        queries["read_two"]


@pytest.mark.parametrize(("store", "package"), STORES)
async def test_every_query_can_be_prepared(database: Database, store: str, package: str) -> None:
    queries = load_queries(store, package=package)
    assert queries
    async with database.connection() as connection:
        for sql in queries.values():
            await connection.prepare(sql)


def test_every_query_is_used_and_every_use_is_a_query() -> None:
    used = {
        name
        for room in ("db", "search")
        for path in (APP / room).glob("*.py")
        for pair in USES.findall(path.read_text())
        for name in pair
        if name
    }
    assert used == {name for store, room in STORES for name in load_queries(store, package=room)}


FRAGMENTS = """\
-- Fragments.

-- fragment: mine
-- Why.
:table.owner = :owner AND :table.at::date = $2
-- fragment: mine_and_new
{{mine table=t owner=$1}} AND t.new
"""


def test_fragments_are_included_in_queries_and_in_fragments() -> None:
    fragments = parse_fragments(FRAGMENTS)
    text = "SELECT '{}' WHERE {{mine table=s owner=$3}} OR {{mine_and_new}}"
    assert include_fragments(text, fragments) == (
        "SELECT '{}' WHERE s.owner = $3 AND s.at::date = $2 "
        "OR t.owner = $1 AND t.at::date = $2 AND t.new"
    )
    with pytest.raises(QueryError, match="no fragment 'yours'; there are mine, mine_and_new"):
        include_fragments("{{yours}}", fragments)
    with pytest.raises(QueryError, match="'mine' needs the parameter 'owner'"):
        include_fragments("{{mine table=s}}", fragments)


def test_who_may_read_a_source_is_written_once() -> None:
    written = {
        path.name: found
        for path in APP.rglob("*.sql")
        if path.parent.name != "migrations" and (found := path.read_text().count("shared_with &&"))
    }
    assert written == {"fragments.sql": 1}


STAR = re.compile(r"\b(?:SELECT|RETURNING)\s+(?:DISTINCT\s+)?(?:\w+\.)?\*|,\s+\w+\.\*")


def test_every_query_names_what_it_reads() -> None:
    """Queries list their columns, so that a new column is never loaded or sent by accident."""
    texts = [sql for store, room in STORES for sql in load_queries(store, package=room).values()]
    texts += [path.read_text() for path in APP.rglob("*.py")]
    assert [found.group() for text in texts for found in STAR.finditer(text)] == []
    assert STAR.search("SELECT a, t.* FROM t")
    assert STAR.search("RETURNING *")
    assert STAR.search("SELECT count(*), 2 * 3") is None
