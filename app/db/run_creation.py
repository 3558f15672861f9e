"""Accepting a question: the checks and the writes of one transaction."""

from datetime import timedelta

from asyncpg import Connection, Record

from app.db.queries import load_queries
from app.db.run_rows import to_record, wire_json
from app.domain.errors import NotFound, RunIdTaken, RunInProgress, TooManyRuns
from app.runs.ports import RESERVE_AHEAD, Created, NewRun, Replayed

PENDING_STOP = timedelta(seconds=60)
TITLE_LENGTH = 60

SQL = load_queries("run_log")


async def create_run(connection: Connection, new: NewRun) -> Created | Replayed:
    """`RunLog.create` inside the caller's transaction, which holds its locks until it ends."""
    await connection.execute(SQL["lock_creation"], *_locks(new))
    if (known := await _repeated(connection, new)) is not None:
        return Replayed(to_record(known))
    if new.refusal is not None:
        raise new.refusal
    found = await _check(connection, new)
    stop_requested = bool(found["stop_requested"])
    stop_at = new.created_at if stop_requested else None
    row = await connection.fetchrow(SQL["insert_run"], *_values(new), stop_at)
    begins = found["deleted"] is not False  # unknown, or it begins anew
    return Created(to_record(row), stop_requested, begins=begins)


def _locks(new: NewRun) -> tuple[list[int], list[str]]:
    """Classes and names for `lock_creation`, in its order. The limit is only locked if any."""
    owner = new.principal.owner_id
    named = [(3, f"{owner} {new.session_id}"), (4, new.run_id)]
    if new.idempotency_key is not None:
        named.insert(0, (2, f"{owner} {new.route} {new.idempotency_key}"))
    if new.max_runs_per_owner is not None:
        named.insert(0, (1, owner))
    return [number for number, _ in named], [name for _, name in named]


async def _repeated(connection: Connection, new: NewRun) -> Record | None:
    if new.idempotency_key is None:
        return None
    key = (new.principal.owner_id, new.route, new.idempotency_key)
    row: Record | None = await connection.fetchrow(SQL["find_repeated"], *key)
    return row


async def _check(connection: Connection, new: NewRun) -> Record:
    """Refuse what may not start; returns what was found."""
    owner = new.principal.owner_id
    since = new.created_at - PENDING_STOP
    found: Record = await connection.fetchrow(
        *(SQL["check_creation"], owner, new.run_id, new.session_id),
        *(new.question_id, new.continues, since),
    )
    if found["taken"]:
        raise RunIdTaken("This run_id exists already. Choose a new random one.")
    if found["active_run_id"] is not None:
        raise RunInProgress(found["active_run_id"])
    if new.max_runs_per_owner is not None and found["running"] >= new.max_runs_per_owner:
        raise TooManyRuns(new.max_runs_per_owner)
    visible = found["asked"] and found["continuable"] and not found["deleted"]
    if new.question is None and not visible:
        raise NotFound("There is no such message.")
    if found["deleted"]:
        await connection.execute(SQL["drop_conversation"], owner, new.session_id)
    return found


def _values(new: NewRun) -> tuple[object, ...]:
    return (
        new.run_id,
        new.principal.owner_id,
        new.session_id,
        new.message_id,
        new.question_id,
        new.route,
        new.process_id,
        RESERVE_AHEAD,
        new.continues,
        new.idempotency_key,
        new.model,
        wire_json(new.filters),
        new.on_disconnect,
        new.created_at,
        new.request_hash,
        title_of(new.question or ""),
        new.question,
        new.hidden_until,
    )


def title_of(question: str) -> str:
    """The first about 60 characters of a question, cut at a word border."""
    text = " ".join(question.split())
    if len(text) <= TITLE_LENGTH:
        return text
    start = text[:TITLE_LENGTH]
    if text[TITLE_LENGTH] != " " and " " in start:
        start = start.rpartition(" ")[0]
    return start.rstrip() + "…"
