"""Replaces the ending of a run whose owner was presumed dead but is alive."""

from dataclasses import replace

from asyncpg import Connection, Record

from app.db.queries import load_queries
from app.db.run_rows import outcome_values, to_terminal
from app.runs.log_entries import LogEntry
from app.runs.outcome import is_replaceable
from app.runs.ports import ClosedRun, replacement_seq

SQL = load_queries("run_log")


async def replace_ending(
    connection: Connection, outcome: ClosedRun, row: Record
) -> LogEntry | None:
    """Implements `RunLog.replace_ending` while the transaction holds the lock on `row`."""
    theirs, ours = to_terminal(row), outcome.entries[-1]
    if theirs is not None and theirs.data == ours.data:
        return theirs  # already replaced: the response to an earlier attempt was lost
    first = (
        row["reserved"] if theirs is None else theirs.seq - 1
    )  # the closing process's first number
    overlaps = any(entry.seq >= first for entry in outcome.entries[:-1])
    if row["purged"] or row["continued"] or overlaps or not is_replaceable(theirs):
        return None
    number = replacement_seq(row["reserved"], theirs.seq if theirs else None)
    terminal = ours._replace(seq=number)
    whole = replace(outcome, epoch=row["epoch"], entries=(*outcome.entries[:-1], terminal))
    await connection.execute(SQL["drop_ending"], outcome.run_id, first)
    await connection.execute(SQL["finish_run"], *outcome_values(whole), True)
    return terminal
