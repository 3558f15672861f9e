"""Producer and reaper close a run with the same function."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from app.domain.conversation_models import StageRecord
from app.domain.encoding import compact_json
from app.domain.models import Filters, Timings, Usage
from app.domain.principals import Principal
from app.runs.log_entries import LogEntry, fold_entries
from app.runs.outcome import INTERRUPTED, STOPPED, Closing, RunOutcome, close_run
from app.runs.ports import NewRun, new_run_record

AT: Final = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)
RECORD: Final = new_run_record(
    NewRun(
        run_id="r",
        principal=Principal("ann"),
        session_id="s",
        route="chat",
        message_id="m",
        question_id="q",
        question="Why?",
        model="model",
        filters=Filters(),
        on_disconnect="cancel",
        process_id="p",
        created_at=AT,
    ),
    stop_requested=False,
)
SEARCHED: Final[dict[str, JsonValue]] = {"stage": "retrieval", "status": "started", "attempt": 1}


def entry(seq: int, kind: str, content: object) -> LogEntry:
    data = compact_json({"type": kind, "content": content, "timestamp": "t"})
    return LogEntry(seq, kind, data, str(content) if kind == "token" else None)


ENTRIES: Final = [
    entry(1, "run_start", {"stage": "run"}),
    entry(2, "retrieval_start", SEARCHED),
    entry(3, "token", "Half "),
    entry(4, "token", "an answer"),
]


def closing(outcome: RunOutcome) -> Closing:
    return Closing(
        record=RECORD,
        outcome=outcome,
        at=AT,
        usage=Usage(input_tokens=0, output_tokens=4, estimated=True),
        timings=Timings(retrieval_ms=None, first_token_ms=None, total_ms=9),
    )


def test_only_what_is_not_stored_is_written_and_the_terminal_event_comes_last() -> None:
    closed = close_run(closing(STOPPED), fold_entries(ENTRIES), unsaved=ENTRIES[3:], last_seq=5)
    assert [(one.seq, one.type) for one in closed.entries] == [(4, "token"), (5, "done")]
    assert (closed.status, closed.message.finish_reason) == ("stopped", "stopped")


def test_a_producer_and_a_reaper_store_the_same_answer() -> None:
    failed = closing(RunOutcome(failure=INTERRUPTED))
    answer = fold_entries(ENTRIES)
    by_producer = close_run(failed, answer, unsaved=ENTRIES, last_seq=5)
    taken_over = replace(failed, record=replace(RECORD, epoch=2))
    by_reaper = close_run(taken_over, answer, unsaved=(), last_seq=10_001)
    assert by_reaper.message == by_producer.message
    assert (by_reaper.message.content, by_reaper.message.error_code) == (
        "Half an answer",
        "INTERRUPTED",
    )
    assert by_reaper.message.evidence == (StageRecord("retrieval_start", SEARCHED),)
    assert (by_reaper.epoch, by_reaper.entries[0].seq) == (2, 10_001)


def test_a_terminal_event_that_cannot_be_stored_yet_says_so() -> None:
    unsaved = closing(STOPPED).terminal(partial=True, saved=False)
    assert (unsaved.type, unsaved.content.saved) == ("done", False)
