"""Builds the end of a run: citations, terminal event, stored message, receipt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.answer_fold import AnswerFold
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
    to_json,
)
from app.domain.models import FinishReason, Passage, Timings, Usage
from app.runs.active_run import LiveRun
from app.runs.citation_check import Citer, find_citations
from app.runs.log_entries import LogEntry, step_of
from app.runs.ports import AnswerRecord, ClosedRun, EngineResult, Receipt, RunRecord, RunStatus

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


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a run, as known to its producer or, if that is gone, to a reaper."""

    record: RunRecord
    outcome: RunOutcome
    at: datetime
    usage: Usage
    timings: Timings
    receipt: Receipt | None = None

    def terminal(self, *, partial: bool, saved: bool) -> Terminal:
        """Build the `done` or `error` event."""
        if self.outcome.result is not None:
            result = DonePayload(
                finish_reason=self.outcome.result.finish_reason,
                message_id=self.record.message_id,
                saved=saved,
                usage=self.usage,
                timings=self.timings,
            )
            return Done(content=result, timestamp=timestamp(self.at))
        failure = self.outcome.failure or INTERRUPTED
        failed = ErrorPayload(
            code=failure.code,
            message=failure.message,
            retryable=failure.retryable,
            partial=partial,
            saved=saved,
        )
        return Error(content=failed, timestamp=timestamp(self.at))


async def citations_event(
    cite: Citer,
    outcome: RunOutcome,
    text: str,
    passages: tuple[Passage, ...],
    *,
    now: Callable[[], datetime],
) -> Citations | None:
    """The event between the last token and the terminal event; None for a failure without text."""
    if outcome.result is None and not text:
        return None
    content = CitationsPayload(citations=await find_citations(cite, text, passages))
    return Citations(content=content, timestamp=timestamp(now()))


def close_run(
    closing: Closing, answer: AnswerFold, *, unsaved: Sequence[LogEntry], last_seq: int
) -> ClosedRun:
    """Close a run whose events are folded in `answer`.

    `unsaved`: the events missing from the log; `last_seq`: the number of the terminal event.
    """
    outcome = closing.outcome
    terminal = closing.terminal(partial=bool(answer.text), saved=True)
    message = AnswerRecord(
        status=outcome.status if outcome.status != "running" else "streaming",
        content=answer.text,
        finish_reason=outcome.finish_reason,
        citations=answer.citations,
        evidence=tuple(answer.evidence),
        usage=closing.usage,
        timings=closing.timings,
        error_code=outcome.failure.code if outcome.failure else None,
        error_message=outcome.failure.message if outcome.failure else None,
    )
    return ClosedRun(
        run_id=closing.record.run_id,
        epoch=closing.record.epoch,
        status=outcome.status,
        entries=(*unsaved, LogEntry(last_seq, terminal.type, to_json(terminal))),
        message=message,
        receipt=closing.receipt,
        ended_at=closing.at,
    )


def is_replaceable(terminal: LogEntry | None) -> bool:
    """Whether the run is still open or was closed as dead by another process."""
    if terminal is None:
        return True
    if terminal.type != "error":
        return False
    step = step_of(terminal)
    return isinstance(step, ErrorPayload) and step.code == INTERRUPTED.code


def usage_of(run: LiveRun, ended: EngineResult | None, text: str) -> Usage:
    """The usage reported by the model, else an estimate (four characters per token)."""
    if ended is not None and ended.usage is not None:
        return ended.usage
    context = sum(len(passage.text) for passage in run.evidence.passages)
    return Usage(
        input_tokens=context // 4 if run.upstream.opened_at else 0,
        output_tokens=run.upstream.deltas if run.upstream.opened_at else -(-len(text) // 4),
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
