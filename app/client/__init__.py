"""A typed client for Python: ask, read events, stop, and never lose a word to a bad network."""

from app.client.answer import Answer, Event
from app.client.citestream import Citestream
from app.client.errors import ClientError, Refused, Unreachable

__all__ = ["Answer", "Citestream", "ClientError", "Event", "Refused", "Unreachable"]
