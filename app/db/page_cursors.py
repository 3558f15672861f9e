"""Opaque pagination cursors: the end of the last page, encoded as text."""

import base64
import binascii
from datetime import datetime

import orjson

from app.domain.errors import InvalidInput


def to_cursor(*place: str | int) -> str:
    """Encode a position."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def from_cursor(cursor: str) -> list[object]:
    """Decode a position. The types of its parts are not checked. Raises `InvalidInput`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise bad_cursor() from None
    return place if isinstance(place, list) else []


def to_time(text: str) -> datetime:
    """Parse a time from a cursor. Raises `InvalidInput`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad_cursor() from None
    if at.tzinfo is None:
        raise bad_cursor()
    return at


def bad_cursor() -> InvalidInput:
    """The error for a cursor from another list."""
    return InvalidInput("cursor", "This cursor was not made by this list.")
