"""Conversations and their messages in PostgreSQL."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncpg import Record

from app.db.page_cursors import bad_cursor, from_cursor, to_cursor, to_time
from app.db.pool import Database
from app.db.queries import load_queries
from app.db.run_rows import wire_json
from app.domain.conversation_models import Conversation, FoundConversation, Match, Message
from app.domain.errors import NotFound
from app.domain.models import Feedback, Filters, Page, Timings, Usage
from app.domain.principals import Principal
from app.domain.stored import (
    known_failure_code,
    known_finish_reason,
    read_stored,
    stored_citations,
    stored_evidence,
    stored_filters,
)
from app.text.snippets import snippet

UNDO_WINDOW = timedelta(seconds=30)
MAX_WORDS = 16
_LIKE = re.compile(r"[%_\\]")
_QUOTED = re.compile(r"['\\]")
_COMPOUND = re.compile(r"[./\\_@:-]")
_ESCAPED = r"\\\g<0>"

_LAST_ORDINAL = 2**63 - 1
SQL = load_queries("conversations")


class ConversationStore:
    """Implements the port `Conversations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(
        self, principal: Principal, *, limit: int, cursor: str | None = None
    ) -> Page[Conversation]:
        updated_at, session_id = _read_cursor(cursor)
        rows = await self._database.fetch(
            SQL["list_recent"], principal.owner_id, updated_at, session_id, limit + 1
        )
        items = tuple(_conversation(row) for row in rows[:limit])
        more = len(rows) > limit
        following = (
            to_cursor(items[-1].updated_at.isoformat(), items[-1].session_id) if more else None
        )
        return Page(items, following)

    async def search(
        self, principal: Principal, query: str, *, limit: int, cursor: str | None = None
    ) -> Page[FoundConversation]:
        updated_at, session_id = _read_cursor(cursor)
        words = query.split()[:MAX_WORDS]
        rows = await self._database.fetch(
            SQL["search_conversations"],
            *(principal.owner_id, updated_at, session_id, limit + 1),
            *(_prefixes(words), [f"%{_LIKE.sub(_ESCAPED, word)}%" for word in words]),
        )
        items = tuple(
            FoundConversation(_conversation(row), _match(row, words)) for row in rows[:limit]
        )
        more = len(rows) > limit
        last = items[-1].conversation if more else None
        following = to_cursor(last.updated_at.isoformat(), last.session_id) if last else None
        return Page(items, following)

    async def get(self, principal: Principal, session_id: str) -> Conversation:
        row = await self._database.fetchrow(
            SQL["read_conversation"], principal.owner_id, session_id
        )
        if row is None:
            raise _conversation_not_found()
        return _conversation(row)

    async def messages(
        self,
        principal: Principal,
        session_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
    ) -> Page[Message]:
        query = SQL["list_latest_messages"] if newest_first else SQL["list_messages"]
        place = _read_ordinal(cursor, first=_LAST_ORDINAL if newest_first else 0)
        await self.get(principal, session_id)
        rows = await self._database.fetch(query, principal.owner_id, session_id, place, limit + 1)
        items = tuple(_message(row) for row in rows[:limit])
        more = len(rows) > limit
        return Page(items, to_cursor(rows[limit - 1]["ordinal"]) if more else None)

    async def message(self, principal: Principal, session_id: str, message_id: str) -> Message:
        row = await self._database.fetchrow(
            SQL["read_message"], principal.owner_id, session_id, message_id
        )
        if row is None:
            raise _message_not_found()
        return _message(row)

    async def rate(
        self, principal: Principal, session_id: str, message_id: str, feedback: Feedback | None
    ) -> None:
        tag = await self._database.execute(
            SQL["set_feedback"], principal.owner_id, session_id, message_id, wire_json(feedback)
        )
        if tag == "UPDATE 0":
            raise _message_not_found()

    async def rename(self, principal: Principal, session_id: str, title: str) -> Conversation:
        await self._change("rename_conversation", principal, session_id, title)
        return await self.get(principal, session_id)

    async def set_filters(
        self, principal: Principal, session_id: str, filters: Filters
    ) -> Conversation:
        await self._change("set_filters", principal, session_id, wire_json(filters))
        return await self.get(principal, session_id)

    async def set_model(self, principal: Principal, session_id: str, model: str) -> Conversation:
        await self._change("set_model", principal, session_id, model)
        return await self.get(principal, session_id)

    async def delete(self, principal: Principal, session_id: str, *, at: datetime) -> None:
        await self._change("delete_conversation", principal, session_id, at)

    async def restore(self, principal: Principal, session_id: str, *, at: datetime) -> Conversation:
        await self._change("restore_conversation", principal, session_id, at - UNDO_WINDOW)
        return await self.get(principal, session_id)

    async def purge(self, *, deleted_before: datetime) -> int:
        return int(await self._database.fetchval(SQL["purge_conversations"], deleted_before))

    async def _change(
        self, query: str, principal: Principal, session_id: str, value: object
    ) -> None:
        tag = await self._database.execute(SQL[query], principal.owner_id, session_id, value)
        if tag == "UPDATE 0":
            raise _conversation_not_found()


def _prefixes(words: Sequence[str]) -> str:
    """A `tsquery` for texts that contain words with all of these prefixes.

    Compounds are split as by `message_terms` in the schema.
    """
    parts = [part for word in words for part in _COMPOUND.sub(" ", word).split()]
    return " & ".join(f"'{_QUOTED.sub(_ESCAPED, part)}':*" for part in parts)


def _match(row: Record, words: Sequence[str]) -> Match | None:
    if row["match_text"] is None:
        return None
    return Match(row["match_id"], row["match_role"], snippet(row["match_text"], words))


def _message_not_found() -> NotFound:
    return NotFound("There is no such message in this conversation.")


def _conversation_not_found() -> NotFound:
    return NotFound("There is no such conversation.")


def _conversation(row: Record) -> Conversation:
    return Conversation(
        session_id=row["session_id"],
        title=row["title"],
        filters=stored_filters(row["filters"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        active_run_id=row["active_run_id"],
        model=row["model"],
    )


def _message(row: Record) -> Message:
    return Message(
        message_id=row["message_id"],
        role=row["role"],
        content=row["content"],
        status=row["status"],
        finish_reason=known_finish_reason(row["finish_reason"]),
        citations=stored_citations(row["citations"]),
        evidence=stored_evidence(row["evidence"]),
        usage=read_stored(Usage, row["usage"]),
        timings=read_stored(Timings, row["timings"]),
        error_code=known_failure_code(row["error_code"]),
        error_message=row["error_message"],
        run_id=row["run_id"],
        question_id=row["question_id"],
        model=row["model"],
        filters=stored_filters(row["filters"]),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        feedback=read_stored(Feedback, row["feedback"]),
    )


def _read_cursor(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    match from_cursor(cursor):
        case [str(updated_at), str(session_id)] if "\0" not in session_id:
            return to_time(updated_at), session_id
        case _:
            raise bad_cursor()


def _read_ordinal(cursor: str | None, *, first: int) -> int:
    if cursor is None:
        return first
    match from_cursor(cursor):
        case [int(ordinal)] if 0 <= ordinal <= _LAST_ORDINAL:
            return ordinal
        case _:
            raise bad_cursor()
