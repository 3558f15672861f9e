"""Who is asking. Every store method takes a `Principal`; nothing is read or written without one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """One person or service. `owner_id` is what every owned row is keyed by.

    `groups` widen what may be read (sources shared with one of them), never what may be changed.
    """

    owner_id: str
    groups: tuple[str, ...] = ()


LOCAL = Principal("local")
"""The one person of `AUTH=none`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential proves now: who it is, and until when (None: until it is revoked)."""

    principal: Principal
    expires_at: datetime | None = None
