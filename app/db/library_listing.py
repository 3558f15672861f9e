"""Pagination of the library: search patterns and cursors."""

import re
from datetime import datetime

from asyncpg import Record

from app.db.library_rows import storable
from app.db.page_cursors import bad_cursor, from_cursor, to_cursor, to_time
from app.domain.models import Listing

MAX_WORDS = 16
_SPECIAL = re.compile(r"[%_\\]")
_ESCAPED = r"\\\g<0>"
_INTEGERS = range(-(2**31), 2**31)


def like_patterns(query: str) -> list[str]:
    """One `LIKE` pattern per word."""
    words = storable(query).split()[:MAX_WORDS]
    return [f"%{_SPECIAL.sub(_ESCAPED, word)}%" for word in words]


def cursor_after(listing: Listing, last: Record) -> str:
    """The cursor of the page after this row. Only valid for listings in the same order."""
    value: str | int = last["title"]
    if listing.order == "newest":
        value = last["created_at"].isoformat()
    elif listing.order == "longest":
        value = last["passage_count"]
    return to_cursor(listing.order, value, last["number"])


def read_cursor(listing: Listing) -> tuple[datetime | str | int | None, int | None]:
    """The last row's value and number; None for the first page. Raises `InvalidInput`."""
    if listing.cursor is None:
        return None, None
    match from_cursor(listing.cursor), listing.order:
        case ["newest", str(value), int(number)], "newest" if number in _INTEGERS:
            return to_time(value), number
        case ["title", str(value), int(number)], "title" if number in _INTEGERS:
            return storable(value), number
        case ["longest", int(value), int(number)], "longest" if (
            value in _INTEGERS and number in _INTEGERS
        ):
            return value, number
        case _:
            raise bad_cursor()
