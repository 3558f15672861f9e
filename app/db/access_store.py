"""Tokens, sessions and blocked users in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.access import TokenRow, digest
from app.domain.principals import Grant, Principal

SQL = load_queries("access")


class PostgresAccess:
    """Implements `AccessStore`. The command line also manages tokens and blocks through it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_token(self, token: str, *, now: datetime) -> Grant | None:
        return _grant(await self._database.fetchrow(SQL["find_token"], digest(token), now))

    async def by_session(self, session: str, *, now: datetime) -> Grant | None:
        return _grant(await self._database.fetchrow(SQL["find_session"], digest(session), now))

    async def open_session(
        self,
        session: str,
        principal: Principal,
        *,
        token: str | None,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Also deletes expired sessions."""
        await self._database.execute(SQL["purge_sessions"], now)
        await self._database.execute(
            SQL["insert_session"],
            *(digest(session), principal.owner_id, list(principal.groups), now, expires_at),
            None if token is None else digest(token),
        )

    async def end_session(self, session: str) -> None:
        await self._database.execute(SQL["delete_session"], digest(session))

    async def is_blocked(self, owner_id: str) -> bool:
        return bool(await self._database.fetchval(SQL["find_blocked"], owner_id))

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
        await self._database.execute(
            SQL["insert_token"],
            *(token_id, digest(token), principal.owner_id, list(principal.groups)),
            *(label, now, expires_at),
        )

    async def tokens(self, *, now: datetime) -> Sequence[TokenRow]:
        """All tokens, oldest first."""
        rows = await self._database.fetch(SQL["list_tokens"], now)
        return tuple(
            TokenRow(
                token_id=row["token_id"],
                principal=_principal(row),
                label=row["label"],
                created_at=row["created_at"],
                expires_at=row["expires_at"],
                state=row["state"],
            )
            for row in rows
        )

    async def revoke(self, token_id: str, *, now: datetime) -> bool:
        """Also ends sessions opened with the token. False when unknown or already revoked."""
        return await self._database.fetchval(SQL["revoke_token"], token_id, now) is not None

    async def block(self, owner_id: str, *, now: datetime) -> None:
        await self._database.execute(SQL["block_person"], owner_id, now)

    async def unblock(self, owner_id: str) -> bool:
        """False when the user was not blocked."""
        return await self._database.fetchval(SQL["unblock_person"], owner_id) is not None


def _grant(row: Record | None) -> Grant | None:
    return None if row is None else Grant(_principal(row), row["expires_at"])


def _principal(row: Record) -> Principal:
    return Principal(row["owner_id"], tuple(row["groups"]))
