"""Encodes text, JSON and times for events and responses."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema
from pydantic_core import to_json as serialise

# Line readers (httpx aiter_lines, str.splitlines) split on these; JSON allows escapes.
_LINE_BREAKS = (
    ("\u0085".encode(), b"\\u0085"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def compact_json(value: object) -> bytes:
    """Compact UTF-8 JSON. Characters that line readers split on are escaped."""
    data = serialise(value)
    if data.isascii():
        return data
    for raw, escaped in _LINE_BREAKS:
        data = data.replace(raw, escaped)
    return data


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-20T10:30:40.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    datetime,
    PlainSerializer(timestamp, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time in a response body."""


def counted(number: int, noun: str) -> str:
    """`1 answer`, `2 answers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def printable(text: str, *, keep: str = "") -> str:
    """Escape invisible characters as in Python, for output to a terminal.

    Untrusted names and messages may contain control sequences, bidirectional overrides, line
    breaks that forge output lines, and lone surrogates. `keep`: characters not to escape.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )


def clean_text(text: str) -> str:
    """Replace NUL and lone surrogates in text from models, documents or users by U+FFFD.

    PostgreSQL rejects NUL, UTF-8 cannot encode surrogates, and `errors="replace"` writes "?".
    """
    if text.isascii() and "\0" not in text:
        return text
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
