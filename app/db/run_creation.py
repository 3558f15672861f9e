"""Accepts a question: checks and writes in one statement."""

from datetime import timedelta

from asyncpg import Record

from app.db.pool import Database
from app.db.queries import load_queries
from app.db.run_rows import to_record, wire_json
from app.domain.errors import NotFound, RunIdTaken, RunInProgress, TooManyRuns
from app.runs.ports import RESERVE_AHEAD, Created, DuplicateRequest, NewRun, new_run_record

PENDING_STOP = timedelta(seconds=60)
TITLE_LENGTH = 60

SQL = load_queries("run_log")


async def create_run(database: Database, new: NewRun) -> Created | DuplicateRequest:
    """Implements `RunLog.create`, in one statement except for repeats and chosen models."""
    [found] = await database.fetch(SQL["start_run"], *_locks(new), *_values(new))
    if found["repeated"]:
        key = (new.principal.owner_id, new.route, new.idempotency_key)
        [earlier] = await database.fetch(SQL["find_repeated"], *key)
        return DuplicateRequest(to_record(earlier))
    if new.refusal is not None:
        raise new.refusal
    _refuse(new, found)
    is_new_conversation = found["deleted"] is not False  # unknown, or deleted and starting over
    stop_requested = bool(found["stop_requested"])
    if new.remember_model:
        owned = (new.principal.owner_id, new.session_id)
        await database.execute(SQL["remember_model"], *owned, new.model)
    return Created(
        new_run_record(new, stop_requested=stop_requested),
        stop_requested,
        is_new_conversation=is_new_conversation,
    )


def _locks(new: NewRun) -> tuple[list[int], list[str]]:
    """Lock classes and names for `start_run`, in the order it takes them."""
    owner = new.principal.owner_id
    named = [(3, f"{owner} {new.session_id}"), (4, new.run_id)]
    if new.idempotency_key is not None:
        named.insert(0, (2, f"{owner} {new.route} {new.idempotency_key}"))
    if new.max_runs_per_owner is not None:
        named.insert(0, (1, owner))
    return [number for number, _ in named], [name for _, name in named]


def _refuse(new: NewRun, found: Record) -> None:
    """Raise the reason if `start_run` wrote nothing."""
    if found["taken"]:
        raise RunIdTaken("This run_id exists already. Choose a new random one.")
    if found["active_run_id"] is not None:
        raise RunInProgress(found["active_run_id"])
    if new.max_runs_per_owner is not None and found["running"] >= new.max_runs_per_owner:
        raise TooManyRuns(new.max_runs_per_owner)
    if new.question is None and (not found["known"] or found["deleted"]):
        raise NotFound("There is no such message.")


def _values(new: NewRun) -> tuple[object, ...]:
    return (
        new.refusal is not None,
        new.max_runs_per_owner,
        new.created_at - PENDING_STOP,
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
        new.expires_at,
    )


def title_of(question: str) -> str:
    """The first `TITLE_LENGTH` characters of a question, cut at a word boundary."""
    text = " ".join(question.split())
    if len(text) <= TITLE_LENGTH:
        return text
    start = text[:TITLE_LENGTH]
    if text[TITLE_LENGTH] != " " and " " in start:
        start = start.rpartition(" ")[0]
    return start.rstrip() + "…"
