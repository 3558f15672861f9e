"""Credentials of people: API tokens, the sessions of browsers, and who is shut out.

Secrets are shown once and stored as digests. They are random and long, so one round of SHA-256 is
enough: there is nothing to guess from.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from app.domain.principals import Grant, Principal

SECRET_BYTES: Final = 32
TOKEN_PREFIX: Final = "cst_"  # secret scanners know a token by it
_TOKEN: Final = re.compile(r"cst_[A-Za-z0-9_-]{43}")
_SESSION: Final = re.compile(r"[A-Za-z0-9_-]{43}")

Secret = Callable[[int], str]
"""Makes URL-safe text of that many random bytes: `secrets.token_urlsafe`."""


def new_token(secret: Secret) -> str:
    """An API token of 256 random bits."""
    return TOKEN_PREFIX + secret(SECRET_BYTES)


def new_session(secret: Secret) -> str:
    """A session of 256 random bits."""
    return secret(SECRET_BYTES)


def looks_like_token(text: str) -> bool:
    """Whether it is worth asking the database."""
    return _TOKEN.fullmatch(text) is not None


def looks_like_session(text: str) -> bool:
    """Whether it is worth asking the database."""
    return _SESSION.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """What is stored of a token or session."""
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token as it is listed: everything but the token."""

    token_id: str
    principal: Principal
    label: str
    created_at: datetime
    expires_at: datetime | None
    state: Literal["valid", "expired", "revoked"]


class AccessStore(Protocol):
    """Who may come in. Methods raise `StoreUnavailable`."""

    async def by_token(self, token: str, *, now: datetime) -> Grant | None:
        """What an API token proves; None when unknown, expired, revoked or its person blocked."""
        ...

    async def by_session(self, session: str, *, now: datetime) -> Grant | None:
        """What a browser's session proves; it ends with the token that it was opened with."""
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
        """Remember a session; `token`: the API token it ends with, if it was opened with one."""
        ...

    async def end_session(self, session: str) -> None:
        """Forget a session; an unknown one is no error."""
        ...

    async def is_blocked(self, owner_id: str) -> bool:
        """Whether this person is shut out, whatever they present."""
        ...


class TokenKeeper(Protocol):
    """What the command for tokens needs. Methods raise `StoreUnavailable`."""

    async def add(
        self,
        token_id: str,
        token: str,
        principal: Principal,
        *,
        label: str,
        now: datetime,
        expires_at: datetime | None,
    ) -> None:
        """Store a new API token's digest."""
        ...

    async def tokens(self, *, now: datetime) -> Sequence[TokenRow]:
        """All tokens, oldest first."""
        ...

    async def revoke(self, token_id: str, *, now: datetime) -> bool:
        """End a token and the sessions opened with it; False when unknown or revoked before."""
        ...

    async def block(self, owner_id: str, *, now: datetime) -> None:
        """Shut a person out, in every mode of sign-in."""
        ...

    async def unblock(self, owner_id: str) -> bool:
        """Let a person in again; False when nobody shut them out."""
        ...
