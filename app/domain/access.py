"""Credentials of users: API tokens, browser sessions, and blocked users.

Secrets are shown once and stored as digests. They are long and random, so one round of SHA-256
suffices.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from app.domain.principals import Grant, Principal

SECRET_BYTES: Final = 32
TOKEN_PREFIX: Final = "cst_"  # lets secret scanners recognize a token
_TOKEN: Final = re.compile(r"cst_[A-Za-z0-9_-]{43}")
_SESSION: Final = re.compile(r"[A-Za-z0-9_-]{43}")

Secret = Callable[[int], str]
"""Returns this many random bytes as URL-safe text: `secrets.token_urlsafe`."""


def new_token(secret: Secret) -> str:
    """Generate an API token with 256 random bits."""
    return TOKEN_PREFIX + secret(SECRET_BYTES)


def new_session(secret: Secret) -> str:
    """Generate a session id with 256 random bits."""
    return secret(SECRET_BYTES)


def looks_like_token(text: str) -> bool:
    """Whether the text has the format of a token. Checked before asking the database."""
    return _TOKEN.fullmatch(text) is not None


def looks_like_session(text: str) -> bool:
    """Whether the text has the format of a session id. Checked before asking the database."""
    return _SESSION.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """The stored form of a token or session id."""
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token as listed: everything except the secret."""

    token_id: str
    principal: Principal
    label: str
    created_at: datetime
    expires_at: datetime | None
    state: Literal["valid", "expired", "revoked"]


class AccessStore(Protocol):
    """Grants of tokens and sessions. Methods raise `StoreUnavailable`."""

    async def by_token(self, token: str, *, now: datetime) -> Grant | None:
        """The grant of an API token; None when unknown, expired, revoked or its user is blocked."""
        ...

    async def by_session(self, session: str, *, now: datetime) -> Grant | None:
        """The grant of a browser session. It ends with the token it was opened with."""
        ...

    async def open_session(
        self,
        session: str,
        principal: Principal,
        *,
        token: str | None,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Store a session. `token` is the API token it was opened with, if any."""
        ...

    async def end_session(self, session: str) -> None:
        """Delete a session; an unknown one is not an error."""
        ...

    async def is_blocked(self, owner_id: str) -> bool:
        """Whether this user is blocked, whatever their credentials."""
        ...
