"""`RunLog` in PostgreSQL. Every write of an owner is conditional on its epoch."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import islice
from typing import Protocol

from app.db.driver_errors import translated
from app.db.listener import Listener, payloads
from app.db.pool import Database
from app.db.queries import load_queries
from app.db.run_chunks import batch_columns, to_entries
from app.db.run_creation import PENDING_STOP, create_run
from app.db.run_endings import replace_ending
from app.db.run_rows import outcome_values, to_leases, to_record, to_turn
from app.domain.conversation_models import StageRecord
from app.domain.errors import NotFound, StoreUnavailable
from app.domain.models import Citation, Turn
from app.domain.principals import Principal
from app.domain.stored import stored_citations, stored_evidence
from app.runs.log_entries import LogEntry
from app.runs.ports import (
    ABRIDGED_CHARACTERS,
    Batch,
    ClosedRun,
    Created,
    DuplicateRequest,
    Lease,
    Leases,
    NewRun,
    Notice,
    RunRecord,
)

CHANNEL = "citestream_runs"
BEAT_LIMIT_S = 3.0
CREATE_LIMIT_S = 5.0
"""Limit for creating a run. The user is waiting, so an unavailable database is reported early."""

SQL = load_queries("run_log")


class StatementObserver(Protocol):
    """Measures the statements of the run log."""

    def timed(self, statement: str) -> AbstractContextManager[None]:
        """Entered around each statement. `StoreUnavailable` passes through it on failure."""
        ...

    def flushed(self, events: int) -> None:
        """Called when a flush has written `events` events."""
        ...


class Unobserved:
    """Ignores everything."""

    def timed(self, statement: str) -> AbstractContextManager[None]:
        return nullcontext()

    def flushed(self, events: int) -> None:
        pass


class PostgresRunLog:
    """Implements `RunLog`. `notices` must listen to `CHANNEL`; both belong to the running loop."""

    def __init__(
        self, database: Database, notices: Listener, observer: StatementObserver | None = None
    ) -> None:
        self._database = database
        self._notices = notices
        self._observer = observer or Unobserved()

    async def create(self, new: NewRun) -> Created | DuplicateRequest:
        """Concurrent identical requests wait for each other on locks."""
        with self._observer.timed("create"):
            try:
                async with asyncio.timeout(CREATE_LIMIT_S):
                    return await create_run(self._database, new)
            except TimeoutError as error:
                raise StoreUnavailable("The database does not answer in time.") from error

    async def flush(self, batches: Sequence[Batch]) -> frozenset[str]:
        """Idempotent when retried from the same first event after an unknown outcome."""
        if not batches:
            return frozenset()
        run_ids = tuple(batch.run_id for batch in batches)
        with self._observer.timed("flush"):
            row = await self._database.fetchrow(
                SQL["append_events"], *batch_columns(batches), payloads("progress", run_ids)
            )
        self._observer.flushed(sum(len(batch.entries) for batch in batches))
        return frozenset(run_ids).difference(row["written"] if row else ())

    async def finish(self, outcome: ClosedRun) -> bool:
        """Idempotent: can be retried after an unknown outcome."""
        terminal = outcome.entries[-1]
        values = outcome_values(outcome)
        with self._observer.timed("finish"):
            ended = await self._database.fetchrow(SQL["finish_run"], *values, False)
            if ended is not None:
                return True
            same = (outcome.run_id, outcome.epoch, terminal.data)
            return await self._database.fetchrow(SQL["find_ending"], *same) is not None

    async def replace_ending(self, outcome: ClosedRun) -> LogEntry | None:
        """Concurrent closing or continuing of the answer waits for these locks."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_conversation"], outcome.run_id)
            row = await connection.fetchrow(SQL["lock_taken_run"], outcome.run_id, outcome.epoch)
            return None if row is None else await replace_ending(connection, outcome, row)

    async def record(self, principal: Principal, run_id: str) -> RunRecord | None:
        row = await self._database.fetchrow(SQL["read_run"], run_id, principal.owner_id)
        return None if row is None else to_record(row)

    async def entries(self, run_id: str, *, after: int, limit: int) -> tuple[LogEntry, ...]:
        """May return fewer than `limit` before the end; an empty result is the end."""
        rows = await self._database.fetch(SQL["read_entries"], run_id, after, limit)
        stored = (entry for row in rows for entry in to_entries(row["seq"], row["data"]))
        return tuple(islice((entry for entry in stored if entry.seq > after), limit))

    async def answer_text(
        self, principal: Principal, run_id: str
    ) -> tuple[str, tuple[Citation, ...]]:
        """Raises `NotFound` for a run that is unknown or owned by somebody else."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["read_answer"], run_id, principal.owner_id)
            if row is None:
                raise NotFound("There is no such run.")
            if row["ended"]:
                return row["content"], stored_citations(row["citations"])
            return await connection.fetchval(SQL["join_tokens"], run_id), ()

    async def request_stop(
        self, principal: Principal, run_id: str, *, at: datetime
    ) -> RunRecord | None:
        stop = (run_id, principal.owner_id, at)
        row = await self._database.fetchrow(SQL["request_stop"], *stop)
        if row is not None:
            return to_record(row)
        async with self._database.transaction() as connection:
            # The run may be created concurrently: the lock makes one visible to the other.
            await connection.execute(SQL["lock_run_id"], run_id)
            row = await connection.fetchrow(SQL["request_stop"], *stop)
            if row is None:
                row = await connection.fetchrow(SQL["read_run"], run_id, principal.owner_id)
            if row is None:
                await connection.execute(SQL["remember_stop"], *stop)
                await connection.execute(SQL["forget_stops"], at - PENDING_STOP)
        return None if row is None else to_record(row)

    async def stops_requested(self, process_id: str) -> tuple[str, ...]:
        rows = await self._database.fetch(SQL["list_stops"], process_id)
        return tuple(row["run_id"] for row in rows)

    async def beat(self, process_id: str) -> None:
        """Bypasses the pool: an exhausted pool must not look like a dead process."""
        with self._observer.timed("beat"):
            await self._database.execute_dedicated(
                SQL["renew_lease"], process_id, within_s=BEAT_LIMIT_S
            )

    async def leases(self) -> Leases:
        return to_leases(await self._database.fetch(SQL["list_leases"]))

    async def take_over(self, lease: Lease, *, process_id: str) -> RunRecord | None:
        """None also when the owner's heartbeat has moved meanwhile."""
        row = await self._database.fetchrow(
            SQL["take_run"], lease.run_id, lease.epoch, lease.process_id, lease.beat, process_id
        )
        return None if row is None else to_record(row)

    async def history(
        self,
        principal: Principal,
        session_id: str,
        *,
        before: str,
        limit: int,
        whole: int | None = None,
    ) -> tuple[Turn, ...]:
        cut = (limit if whole is None else whole, ABRIDGED_CHARACTERS)
        rows = await self._database.fetch(
            SQL["list_turns"], principal.owner_id, session_id, before, limit, *cut
        )
        return tuple(to_turn(row) for row in reversed(rows))

    async def partial(
        self, principal: Principal, message_id: str
    ) -> tuple[str, tuple[StageRecord, ...]]:
        row = await self._database.fetchrow(SQL["read_partial"], message_id, principal.owner_id)
        if row is None:
            raise NotFound("There is no such message.")
        return row["content"], stored_evidence(row["evidence"])

    async def purge(self, *, ended_before: datetime) -> int:
        """Returns the number of runs; also deletes heartbeats of that age."""
        await self._database.execute(SQL["drop_processes"], ended_before)
        return int(await self._database.fetchval(SQL["purge_runs"], ended_before))

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        def received(payload: str) -> None:
            if (notice := to_notice(payload)) is not None:
                listener(notice)

        return self._notices.subscribe(CHANNEL, received)


def renew_lease(database: Database, process_id: str) -> None:
    """Renew the lease for a blocked event loop, from a thread with its own loop and connection.

    Blocks. Raises `StoreUnavailable`.
    """
    asyncio.run(_renew_lease(database, process_id))


async def _renew_lease(database: Database, process_id: str) -> None:
    connection = await database.dedicated()
    try:
        with translated(connection.is_closed):
            await connection.execute(SQL["renew_lease"], process_id, timeout=BEAT_LIMIT_S)
    finally:
        connection.terminate()


def to_notice(payload: str) -> Notice | None:
    """Parse `kind:id,id,…`; None for kinds of other versions."""
    kind, _, ids = payload.partition(":")
    match kind:
        case "progress" | "stop" | "ended":
            return Notice(kind, tuple(ids.split(",")))
        case _:
            return None
