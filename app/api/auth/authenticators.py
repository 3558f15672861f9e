"""Authenticators, one per mode of `AUTH`. Each derives the principal from a request's credentials.

`identify` is called on every request, and every few seconds while a stream is open, so that revoked
credentials stop working. It raises `StoreUnavailable` or `SignInUnavailable`.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from app.domain.access import AccessStore, looks_like_session, looks_like_token
from app.domain.principals import LOCAL, AuthMode, Grant, Principal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Access = Callable[[], Awaitable[AccessStore]]
"""The store of the running event loop."""
Now = Callable[[], datetime]

MAX_TOKEN_LENGTH = 16_384
UNIX_SOCKET = "unix"
_NAME = re.compile(r"[^\s,]{1,200}")
_MAX_GROUPS = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials in a request: headers by lower-case name, and the connection's peer."""

    headers: dict[str, tuple[str, ...]]
    session: str | None
    peer: str | None  # peer address of the connection; None: a Unix socket

    def only(self, name: str) -> str | None:
        """A header that must not be repeated, because one of the values might be forged."""
        values = self.headers.get(name, ())
        return values[0].strip() if len(values) == 1 else None

    @property
    def bearer(self) -> str | None:
        """The token after `Authorization: Bearer`; empty when it is malformed."""
        values = self.headers.get("authorization", ())
        if not any(value[:7].lower() == "bearer " for value in values):
            return None
        token = values[0][7:].strip() if len(values) == 1 else ""
        return token if len(token) <= MAX_TOKEN_LENGTH else ""


class Identity(Protocol):
    """One mode of `AUTH`."""

    mode: AuthMode

    async def identify(self, credentials: Credentials) -> Principal | None:
        """The caller; None when the credentials are missing or invalid."""
        ...

    async def exchange(self, token: str) -> Grant | None:
        """The grant of a token typed in at sign-in; None when it is invalid."""
        ...


class NoAuth:
    """`AUTH=none`: everyone who can reach the port is the same local user."""

    mode: AuthMode = "none"

    async def identify(self, credentials: Credentials) -> Principal | None:
        return LOCAL

    async def exchange(self, token: str) -> Grant | None:
        """This mode has no sign-in."""
        return None


class TokenAuth:
    """`AUTH=token`: an API token, or a browser session opened with one."""

    mode: AuthMode = "token"

    def __init__(self, access: Access, now: Now) -> None:
        self._access = access
        self._now = now

    async def identify(self, credentials: Credentials) -> Principal | None:
        """A token takes precedence: with an invalid token the session is not tried."""
        if credentials.bearer is not None:
            grant = await self.exchange(credentials.bearer)
        else:
            grant = await by_session(await self._access(), credentials, self._now())
        return grant.principal if grant else None

    async def exchange(self, token: str) -> Grant | None:
        if not looks_like_token(token):
            return None
        return await (await self._access()).by_token(token, now=self._now())


class ProxyAuth:
    """`AUTH=proxy`: an authenticating proxy names the user in headers.

    Only connections from `trusted` addresses are accepted. uvicorn may have replaced the peer's
    address by that of `X-Forwarded-For`, which anyone can forge: such requests are rejected too
    (`python -m app.main` keeps the peer's address).
    """

    mode: AuthMode = "proxy"

    def __init__(
        self,
        access: Access,
        *,
        trusted: Sequence[Network | Literal["unix"]],
        person_header: str,
        groups_header: str,
    ) -> None:
        self._access = access
        self._networks = tuple(one for one in trusted if one != UNIX_SOCKET)
        self._unix = UNIX_SOCKET in trusted
        self._person = person_header.lower()
        self._groups = groups_header.lower()

    async def identify(self, credentials: Credentials) -> Principal | None:
        person = credentials.only(self._person)
        if person is None or _NAME.fullmatch(person) is None or not self._is_trusted(credentials):
            return None
        if await (await self._access()).is_blocked(person):
            return None
        return Principal(person, _groups(credentials.only(self._groups) or ""))

    async def exchange(self, token: str) -> Grant | None:
        """Unsupported: users sign in at the proxy."""
        return None

    def _is_trusted(self, credentials: Credentials) -> bool:
        peer = credentials.peer
        if peer is None:
            return self._unix
        address = _address(peer)
        if address is None or address in _forwarded(credentials):
            return False
        return any(address in network for network in self._networks)


async def by_session(access: AccessStore, credentials: Credentials, now: datetime) -> Grant | None:
    """The grant of a browser's session cookie."""
    session = credentials.session
    if session is None or not looks_like_session(session):
        return None
    return await access.by_session(session, now=now)


def _groups(text: str) -> tuple[str, ...]:
    names = (part.strip() for part in text.split(",")[:_MAX_GROUPS])
    return tuple(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))


def _forwarded(credentials: Credentials) -> frozenset[object]:
    parts = ",".join(credentials.headers.get("x-forwarded-for", ())).split(",")
    return frozenset(_address(part.strip()) for part in parts)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Accepts `address:port` too; an IPv4-mapped IPv6 address becomes the IPv4 address."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
