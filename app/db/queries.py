"""Named queries: `sql/<store>.sql` holds blocks that start with `-- name: verb_noun`."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from typing_extensions import override

_NAME = re.compile(r"^-- name: (\S+)[ \t]*$", re.MULTILINE)
_VERB_NOUN = re.compile(r"[a-z]+(_[a-z]+)+")


class QueryError(LookupError):
    """A `.sql` file is malformed or does not contain the requested query."""


class Queries(Mapping[str, str]):
    """The queries of one file by name; `QueryError` for an unknown name."""

    def __init__(self, text: str, *, origin: str) -> None:
        self._origin = origin
        self._queries: dict[str, str] = {}
        preamble, *parts = _NAME.split(text)
        if any(line and not line.startswith("--") for line in preamble.splitlines()):
            raise QueryError(f"{origin}: there is SQL before the first '-- name:'")
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            self._add(name, body.strip())

    def _add(self, name: str, sql: str) -> None:
        if not _VERB_NOUN.fullmatch(name):
            raise QueryError(f"{self._origin}: {name!r} is not of the form verb_noun")
        if name in self._queries:
            raise QueryError(f"{self._origin}: {name} is defined twice")
        if not sql:
            raise QueryError(f"{self._origin}: {name} is empty")
        self._queries[name] = sql

    @override
    def __getitem__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            known = ", ".join(self._queries)
            raise QueryError(f"{self._origin}: no query {name!r}; there are {known}") from None

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    @override
    def __len__(self) -> int:
        return len(self._queries)


@cache
def load_queries(store: str) -> Queries:
    """The queries of `sql/<store>.sql`, read once."""
    path = files("app.db") / "sql" / f"{store}.sql"
    return Queries(path.read_text(encoding="utf-8"), origin=f"{store}.sql")
