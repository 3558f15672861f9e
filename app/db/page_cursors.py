"""Cursors of lists: where the last page ended, as text that clients hand back unread."""

import base64
import binascii
from datetime import datetime

import orjson

from app.domain.errors import InvalidInput


def to_cursor(*place: str | int) -> str:
    """The place as one word."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def from_cursor(cursor: str) -> list[object]:
    """The place again, of whatever types. Raises `InvalidInput`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise bad_cursor() from None
    return place if isinstance(place, list) else []


def to_time(text: str) -> datetime:
    """A time that a cursor holds. Raises `InvalidInput`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad_cursor() from None
    if at.tzinfo is None:
        raise bad_cursor()
    return at


def bad_cursor() -> InvalidInput:
    """For a cursor that the list did not make."""
    return InvalidInput("cursor", "This cursor was not made by this list.")
