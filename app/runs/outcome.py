"""Builds the end of a run: terminal event, stored message, receipt. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from app.domain.encoding import timestamp
from app.domain.errors import RunFailure
from app.domain.events import (
    Citations,
    CitationsPayload,
    Done,
    DonePayload,
    Error,
    ErrorPayload,
    Terminal,
)
from app.domain.models import Citation, FinishReason, Passage, Timings, Usage
from app.domain.stored import stored_passages
from app.runs.active_run import LiveRun
from app.runs.ports import AnswerRecord, EngineResult, LogEntry, Receipt, RunStatus

INTERRUPTED = RunFailure(
    "INTERRUPTED",
    "The server was interrupted while it was answering. What was written is kept.",
)
SHUT_DOWN = RunFailure(
    "INTERRUPTED",
    "The server is restarting and had to end this answer. What was written is kept.",
)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """Why a run ended: exactly one of `result` and `failure` is set."""

    result: EngineResult | None = None
    failure: RunFailure | None = None

    @property
    def status(self) -> RunStatus:
        """The status stored with the run and its message."""
        if self.result is None:
            return "error"
        return "stopped" if self.result.finish_reason == "stopped" else "complete"

    @property
    def finish_reason(self) -> FinishReason | None:
        """None for a failed run."""
        return self.result.finish_reason if self.result else None


STOPPED = RunOutcome(result=EngineResult("stopped", None))


def citations_event(citations: tuple[Citation, ...], at: datetime) -> Citations:
    """The event between the last token and the terminal event."""
    return Citations(content=CitationsPayload(citations=citations), timestamp=timestamp(at))


def terminal_event(
    outcome: RunOutcome,
    *,
    message_id: str,
    saved: bool,
    partial: bool,
    usage: Usage,
    timings: Timings,
    at: datetime,
) -> Terminal:
    """The `done` or `error` event."""
    if outcome.result is not None:
        result = DonePayload(
            finish_reason=outcome.result.finish_reason,
            message_id=message_id,
            saved=saved,
            usage=usage,
            timings=timings,
        )
        return Done(content=result, timestamp=timestamp(at))
    failure = outcome.failure or INTERRUPTED
    failed = ErrorPayload(
        code=failure.code,
        message=failure.message,
        retryable=failure.retryable,
        partial=partial,
        saved=saved,
    )
    return Error(content=failed, timestamp=timestamp(at))


def answer_record(
    outcome: RunOutcome,
    *,
    text: str,
    citations: tuple[Citation, ...],
    evidence: tuple[dict[str, object], ...],
    usage: Usage,
    timings: Timings,
) -> AnswerRecord:
    """The final stored message."""
    return AnswerRecord(
        status=outcome.status if outcome.status != "running" else "streaming",
        content=text,
        finish_reason=outcome.finish_reason,
        citations=citations,
        evidence=evidence,
        usage=usage,
        timings=timings,
        error_code=outcome.failure.code if outcome.failure else None,
        error_message=outcome.failure.message if outcome.failure else None,
    )


def evidence_of(entries: Iterable[LogEntry]) -> tuple[dict[str, object], ...]:
    """The stage events, as `{type, content}`, that explain how the answer was found."""
    kept = (e for e in entries if e.text is None and e.type not in _NOT_EVIDENCE)
    return tuple({"type": e.type, "content": orjson.loads(e.data).get("content")} for e in kept)


_NOT_EVIDENCE = frozenset({"run_start", "token", "citations", "reset", "done", "error"})


def is_replaceable(terminal: LogEntry | None) -> bool:
    """Whether a run taken over by another process is still open or was closed as dead."""
    if terminal is None:
        return True
    if terminal.type != "error":
        return False
    content = orjson.loads(terminal.data).get("content")
    return isinstance(content, dict) and content.get("code") == INTERRUPTED.code


def numbered_passages(entries: Sequence[LogEntry]) -> tuple[Passage, ...]:
    """The numbered passages of a stored run, from its last `generation_start`."""
    for entry in reversed(entries):
        if entry.type == "generation_start":
            return stored_passages(orjson.loads(entry.data).get("content"))
    return ()


def usage_of(run: LiveRun, ended: EngineResult | None) -> Usage:
    """The usage reported by the model, else an estimate (four characters per token)."""
    if ended is not None and ended.usage is not None:
        return ended.usage
    context = sum(len(passage.text) for passage in run.evidence.passages)
    return Usage(
        input_tokens=context // 4 if run.upstream.opened_at else 0,
        output_tokens=run.upstream.deltas if run.upstream.opened_at else -(-len(run.text) // 4),
        estimated=True,
    )


def timings_of(run: LiveRun, now: float) -> Timings:
    """Milliseconds from the run's start."""

    def since(at: float | None) -> float | None:
        return None if at is None else round((at - run.started_at) * 1000, 1)

    return Timings(
        retrieval_ms=since(run.retrieved_at),
        first_token_ms=since(run.first_token_at),
        total_ms=round((now - run.started_at) * 1000, 1),
    )


def receipt_of(run: LiveRun) -> Receipt | None:
    """The receipt of a stop; None when the run was not stopped."""
    if run.cancel_reason not in {"stopped", "disconnected"} or run.cancelled_at is None:
        return None
    closed, took = run.upstream.closed_at, None
    if run.cut_upstream and closed is not None and closed >= run.cancelled_at:
        took = round((closed - run.cancelled_at) * 1000, 2)
    return Receipt(
        stopped=True,
        already=False,
        upstream_closed=(run.upstream.open_sockets == 0) if run.cut_upstream else None,
        upstream_closed_ms=took,
        tokens_kept=run.upstream.deltas,
        message_id=run.record.message_id,
    )
