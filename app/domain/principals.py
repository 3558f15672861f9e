"""The caller's identity. Every store method takes a `Principal`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

AuthMode = Literal["none", "token", "proxy", "jwt"]
"""How people sign in: the values of `AUTH`."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One person or service. Every owned row is keyed by `owner_id`.

    `groups` extend read access (to sources shared with one of them), never write access.
    """

    owner_id: str
    groups: tuple[str, ...] = ()


LOCAL = Principal("local")
"""The only user of `AUTH=none`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified credential: its principal and expiry (None: valid until revoked)."""

    principal: Principal
    expires_at: datetime | None = None
