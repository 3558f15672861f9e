"""A typed client of Citestream: ask, read events, stop, and resume after a lost connection."""

from citestream_client.answer import Answer
from citestream_client.citestream import Citestream
from citestream_client.errors import ClientError, Refused, Unreachable
from citestream_client.events import Citation, Event, Filters

__all__ = [
    "Answer",
    "Citation",
    "Citestream",
    "ClientError",
    "Event",
    "Filters",
    "Refused",
    "Unreachable",
]
