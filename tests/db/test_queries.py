import re
from pathlib import Path

import pytest

from app.db.pool import Database
from app.db.queries import Queries, QueryError, load_queries

FOLDER = Path(__file__).parents[2] / "app" / "db"
STORES = sorted(path.stem for path in (FOLDER / "sql").glob("*.sql") if path.stem != "schema")
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


@pytest.mark.parametrize("store", STORES)
async def test_every_query_can_be_prepared(database: Database, store: str) -> None:
    assert load_queries(store)
    async with database.connection() as connection:
        for sql in load_queries(store).values():
            await connection.prepare(sql)


def test_every_query_is_used_and_every_use_is_a_query() -> None:
    used = {
        name
        for path in FOLDER.glob("*.py")
        for pair in USES.findall(path.read_text())
        for name in pair
        if name
    }
    assert used == {name for store in STORES for name in load_queries(store)}


STAR = re.compile(r"\b(?:SELECT|RETURNING)\s+(?:DISTINCT\s+)?(?:\w+\.)?\*|,\s+\w+\.\*")


def test_every_query_names_what_it_reads() -> None:
    """New columns cost nobody anything, and what is sent is what somebody wrote down."""
    texts = [sql for store in STORES for sql in load_queries(store).values()]
    app = FOLDER.parent
    texts += [path.read_text() for path in app.rglob("*.py")]
    assert [found.group() for text in texts for found in STAR.finditer(text)] == []
    assert STAR.search("SELECT a, t.* FROM t")
    assert STAR.search("RETURNING *")
    assert STAR.search("SELECT count(*), 2 * 3") is None
