"""Users with API tokens, as created by `python -m app.tokens`."""

import secrets
from datetime import UTC, datetime, timedelta

import httpx

from app.db.access_store import PostgresAccess
from app.domain.access import new_token
from app.domain.principals import Principal
from tests.harness.serving import Serving


class Person:
    """A user with a token, and a client that sends it."""

    def __init__(self, server: Serving, principal: Principal, token_id: str, token: str) -> None:
        self.principal = principal
        self.token_id = token_id
        self.token = token
        self._access = PostgresAccess(server.runtime.database)
        self.http = httpx.AsyncClient(
            base_url=server.url, timeout=20, headers={"Authorization": f"Bearer {token}"}
        )

    async def revoke(self) -> None:
        assert await self._access.revoke(self.token_id, now=datetime.now(UTC))


async def person(
    server: Serving, name: str, *, groups: tuple[str, ...] = (), lasts: timedelta | None = None
) -> Person:
    """A new user; the caller closes `http`."""
    now = datetime.now(UTC)
    token, token_id = new_token(secrets.token_urlsafe), secrets.token_hex(4)
    principal = Principal(name, groups)
    until = None if lasts is None else now + lasts
    access = PostgresAccess(server.runtime.database)
    await access.add(token_id, token, principal, label="", now=now, expires_at=until)
    return Person(server, principal, token_id, token)
