"""Named queries: `sql/<store>.sql` holds blocks that start with `-- name: verb_noun`.

This package's `sql/fragments.sql` holds blocks that start with `-- fragment: name`. A query
includes one with `{{name parameter=value …}}`, which replaces each `:parameter` of the fragment.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from typing_extensions import override

_NAME = re.compile(r"^-- name: (\S+)[ \t]*$", re.MULTILINE)
_VERB_NOUN = re.compile(r"[a-z]+(_[a-z]+)+")
_FRAGMENT = re.compile(r"^-- fragment: (\S+)[ \t]*$", re.MULTILINE)
_INCLUDE = re.compile(r"\{\{(\w+)((?: \w+=[^\s{}]+)*)\}\}")
_PARAMETER = re.compile(r"(?<!:):(\w+)")
_COMMENT = re.compile(r"^--[^\n]*\n", re.MULTILINE)


class QueryError(LookupError):
    """A `.sql` file is malformed or does not contain the requested query."""


class Queries(Mapping[str, str]):
    """The queries of one file by name. Raises `QueryError` for an unknown name."""

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


def parse_fragments(text: str) -> dict[str, str]:
    """The fragments of a file by name, without comments."""
    _, *parts = _FRAGMENT.split(text)
    bodies = (_COMMENT.sub("", body).strip() for body in parts[1::2])
    return dict(zip(parts[::2], bodies, strict=True))


def include_fragments(text: str, fragments: Mapping[str, str]) -> str:
    """Replace all fragment references, recursively. Raises `QueryError`."""

    def included(include: re.Match[str]) -> str:
        name, values = include[1], dict(pair.split("=") for pair in include[2].split())
        if name not in fragments:
            raise QueryError(f"no fragment {name!r}; there are {', '.join(fragments)}")
        body = include_fragments(fragments[name], fragments)
        try:
            return _PARAMETER.sub(lambda parameter: values[parameter[1]], body)
        except KeyError as missing:
            raise QueryError(f"the fragment {name!r} needs the parameter {missing}") from None

    return _INCLUDE.sub(included, text)


@cache
def load_queries(store: str, *, package: str = "app.db") -> Queries:
    """The queries of `sql/<store>.sql` in a package. Cached."""
    fragments = parse_fragments((files("app.db") / "sql" / "fragments.sql").read_text("utf-8"))
    text = (files(package) / "sql" / f"{store}.sql").read_text("utf-8")
    return Queries(include_fragments(text, fragments), origin=f"{store}.sql")
