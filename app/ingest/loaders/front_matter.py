"""Front matter of Markdown pages: the common subset of YAML and TOML."""

import re
from typing import Final

_YAML: Final = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML: Final = re.compile(r"\A\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY: Final = re.compile(r"[\"']?(\w[\w .-]{0,60}?)[\"']?[ \t]*([:=])(?:[ \t]|\Z)")
_QUOTES: Final = "\"'"


def split_front_matter(source: str) -> tuple[list[tuple[str, str]], str]:
    """The fields and the rest of the page. A thematic break does not start front matter."""
    found = _YAML.match(source) or _TOML.match(source)
    if found is None:
        return [], source
    fields = _fields(found[1].split("\n"), ":" if source.startswith("-") else "=")
    return (fields, source[found.end() :]) if fields else ([], source)


def _fields(lines: list[str], sign: str) -> list[tuple[str, str]]:
    """Lists are joined on one line; nested fields are kept as written."""
    fields: list[tuple[str, list[str]]] = []
    for line in lines:
        key = _KEY.match(line)
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if key is not None and key[2] == sign:
            fields.append((key[1], [_plain(line[key.end() :])]))
        elif fields:
            fields[-1][1].append(_plain(stripped.removeprefix("- ")))
        else:
            return []
    return [(name, _joined(values)) for name, values in fields]


def _joined(values: list[str]) -> str:
    first, *rest = values
    if first in ("|", ">", "|-", ">-", "|+", ">+"):
        return " ".join(rest)
    return ", ".join(value for value in values if value)


def _plain(value: str) -> str:
    """Strip quotes and brackets."""
    value = value.strip()
    if len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]:
        return value[1:-1]
    if len(value) > 1 and value[0] == "[" and value[-1] == "]":
        return ", ".join(_plain(one) for one in value[1:-1].split(",") if one.strip())
    return value
