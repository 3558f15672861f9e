"""Converts between rows of the run log and the dataclasses of its port."""

from collections.abc import Iterable
from dataclasses import asdict

from asyncpg import Record
from pydantic import TypeAdapter, ValidationError

from app.db.run_chunks import chunk_columns, to_chunks
from app.domain.models import Citation, Feedback, Filters, Timings, Turn, Usage
from app.domain.stored import stored_filters
from app.runs.log_entries import LogEntry
from app.runs.ports import ClosedRun, Lease, Leases, Receipt, RunRecord


def to_record(row: Record) -> RunRecord:
    """A row of `runs`."""
    return RunRecord(
        run_id=row["run_id"],
        owner_id=row["owner_id"],
        session_id=row["session_id"],
        message_id=row["message_id"],
        question_id=row["question_id"],
        route=row["route"],
        status=row["status"],
        epoch=row["epoch"],
        process_id=row["process_id"],
        head=row["head"],
        reserved=row["reserved"],
        model=row["model"],
        filters=stored_filters(row["filters"]),
        on_disconnect=row["on_disconnect"],
        created_at=row["created_at"],
        request_hash=row["request_hash"],
        stop_requested=row["stop_requested_at"] is not None,
        terminal=to_terminal(row),
        receipt=_receipt(row["receipt"]),
    )


def to_terminal(row: Record) -> LogEntry | None:
    """The last event of a row of `runs`; None while the run is active."""
    if row["terminal_seq"] is None:
        return None
    return LogEntry(row["terminal_seq"], row["terminal_type"], row["terminal_data"])


def _receipt(value: object) -> Receipt | None:
    """None also for an incomplete receipt written by a newer version."""
    try:
        return None if value is None else _RECEIPT.validate_python(value, extra="ignore")
    except ValidationError:
        return None


_RECEIPT = TypeAdapter(Receipt)


def to_leases(rows: Iterable[Record]) -> Leases:
    """From rows of `list_leases`. Each has the clock; the run is null when none is active."""
    rows = list(rows)
    return Leases(
        rows[0]["now_s"],
        tuple(
            Lease(row["run_id"], row["epoch"], row["process_id"], row["beat"])
            for row in rows
            if row["run_id"] is not None
        ),
    )


def to_turn(row: Record) -> Turn:
    return Turn(
        row["question"],
        row["answer"],
        interrupted=row["status"] != "complete",
        answered=row["answered"],
    )


def wire_json(value: Usage | Timings | Filters | Feedback | None) -> object:
    """A wire model as JSON for a jsonb column."""
    return None if value is None else value.model_dump(mode="json")


def _citations_json(citations: Iterable[Citation]) -> list[object]:
    return [citation.model_dump(mode="json") for citation in citations]


def _receipt_json(receipt: Receipt | None) -> dict[str, object] | None:
    return None if receipt is None else asdict(receipt)


def outcome_values(outcome: ClosedRun) -> tuple[object, ...]:
    """The arguments of `finish_run`, in order."""
    terminal, message = outcome.entries[-1], outcome.message
    return (
        outcome.run_id,
        outcome.epoch,
        outcome.status,
        terminal.seq,
        terminal.type,
        terminal.data,
        _receipt_json(outcome.receipt),
        outcome.ended_at,
        *chunk_columns(to_chunks(outcome.entries)),
        message.status,
        message.content,
        message.finish_reason,
        _citations_json(message.citations),
        list(message.evidence),
        wire_json(message.usage),
        wire_json(message.timings),
        message.error_code,
        message.error_message,
    )
