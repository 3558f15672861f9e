"""Ports of `runs/`: the log that stores runs and the engine that answers.

Two adapters implement `RunLog`: `db/run_log.py`, and one in memory for tests. Both pass one
behaviour suite, so another log can be added without changing this package.

Numbering. The owner numbers the events of a run 1, 2, 3 … The row reserves numbers in advance: the
owner may use every number *below* `reserved`, never `reserved` itself. A process that closes a dead
run writes its `citations` as `reserved` and its terminal event as `reserved + 1`, so a number that
a viewer has seen is never reused. An owner that was presumed dead and replaces that ending numbers
its own terminal event above both and leaves one number free for the `reset` of viewers that saw the
earlier end.

Fencing. `epoch` starts at 1 and is incremented by every take-over. Every write of an owner names
its epoch and has no effect when the row has another one.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from app.domain.conversation_models import MessageStatus, StageRecord
from app.domain.errors import RequestError
from app.domain.events import Stage, Token
from app.domain.models import (
    Citation,
    Filters,
    FinishReason,
    OnDisconnect,
    Passage,
    Timings,
    Turn,
    Usage,
)
from app.domain.principals import Principal
from app.runs.log_entries import LogEntry

RESERVE_AHEAD = 10_000
"""Numbers reserved beyond the head, at creation and at each flush."""

ABRIDGED_CHARACTERS = 400
"""Characters read of an old answer."""

RunStatus = Literal["running", "complete", "stopped", "error"]
Route = Literal["chat", "api_chat_stream", "regenerate", "continue", "openai", "ai_sdk"]


@dataclass(frozen=True, slots=True)
class NewRun:
    """Everything written, in one transaction, when a question is accepted."""

    run_id: str
    principal: Principal
    session_id: str
    route: Route
    message_id: str  # the answer
    question_id: str  # the question it answers; must exist when `question` is None
    question: str | None  # None: regenerate or continue, the question is already stored
    model: str
    filters: Filters
    on_disconnect: OnDisconnect
    process_id: str
    created_at: datetime
    remember_model: bool = False  # as the conversation's choice
    idempotency_key: str | None = None
    request_hash: str = ""  # sha256 hex of the canonical request body
    max_runs_per_owner: int | None = None
    continues: str | None = None  # message_id whose text this run continues
    refusal: RequestError | None = None  # why this process accepts no new run now
    expires_at: datetime | None = None  # a new conversation is unlisted and deleted at this time


@dataclass(frozen=True, slots=True)
class Receipt:
    """The effect of a stop. `already` is true when the run had ended before."""

    stopped: bool
    already: bool
    upstream_closed: bool | None  # None: no model socket was open
    upstream_closed_ms: float | None
    tokens_kept: int  # upstream deltas
    message_id: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run's row as read. `head` is the highest stored seq, `terminal` the last entry."""

    run_id: str
    owner_id: str
    session_id: str
    message_id: str
    question_id: str
    route: Route
    status: RunStatus
    epoch: int
    process_id: str
    head: int
    reserved: int
    model: str
    filters: Filters
    on_disconnect: OnDisconnect
    created_at: datetime
    request_hash: str
    stop_requested: bool
    terminal: LogEntry | None
    receipt: Receipt | None


def new_run_record(new: NewRun, *, stop_requested: bool) -> RunRecord:
    """The record of a run that was just created."""
    return RunRecord(
        run_id=new.run_id,
        owner_id=new.principal.owner_id,
        session_id=new.session_id,
        message_id=new.message_id,
        question_id=new.question_id,
        route=new.route,
        status="running",
        epoch=1,
        process_id=new.process_id,
        head=0,
        reserved=RESERVE_AHEAD,
        model=new.model,
        filters=new.filters,
        on_disconnect=new.on_disconnect,
        created_at=new.created_at,
        request_hash=new.request_hash,
        stop_requested=stop_requested,
        terminal=None,
        receipt=None,
    )


@dataclass(frozen=True, slots=True)
class Created:
    """The run was created and is owned by this process.

    `stop_requested`: a stop for this id arrived before the run existed. `is_new_conversation`: the
    run is the first in its conversation, so there is no history to read.
    """

    record: RunRecord
    stop_requested: bool
    is_new_conversation: bool


@dataclass(frozen=True, slots=True)
class DuplicateRequest:
    """The idempotency key is known. `record` is the run it created (compare `request_hash`)."""

    record: RunRecord


@dataclass(frozen=True, slots=True)
class Batch:
    """New events of one run for the next flush. `reserved` is the new reservation."""

    run_id: str
    epoch: int
    entries: tuple[LogEntry, ...]
    reserved: int


@dataclass(frozen=True, slots=True)
class ClosedRun:
    """The end of a run, written with its last events and its message in one transaction.

    `entries` are the events not yet flushed, the terminal event last.
    """

    run_id: str
    epoch: int
    status: RunStatus
    entries: tuple[LogEntry, ...]
    message: "AnswerRecord"
    receipt: Receipt | None
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """The final answer message."""

    status: MessageStatus
    content: str
    finish_reason: FinishReason | None
    citations: tuple[Citation, ...]
    evidence: tuple[StageRecord, ...]
    usage: Usage | None
    timings: Timings | None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A running run and the heartbeat counter of its process, as the reaper reads them."""

    run_id: str
    epoch: int
    process_id: str
    beat: int | None  # None: the process never registered


@dataclass(frozen=True, slots=True)
class Leases:
    """All active runs, and the database's clock in seconds at the time of reading."""

    now_s: float
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """News of runs, perhaps of another process. Can be lost, so readers also poll."""

    kind: Literal["progress", "stop", "ended"]
    run_ids: tuple[str, ...]


def replacement_seq(record_reserved: int, closed_by: int | None) -> int:
    """The number of a terminal event that replaces `closed_by` or, if None, precedes it."""
    return max(record_reserved, closed_by or 0) + 2


class RunLog(Protocol):
    """Durable runs. Methods raise `StoreUnavailable` when the database is unreachable."""

    async def create(self, new: NewRun) -> Created | DuplicateRequest:
        """Accept a question: conversation, question, answer (status `streaming`) and run.

        Order of checks: idempotency key, `new.refusal` (raised), `run_id` unknown (`RunIdTaken`),
        the conversation's active run (`RunInProgress`), the owner's limit over all replicas
        (`TooManyRuns`).
        Reserves `RESERVE_AHEAD` numbers. Raises `NotFound` for a missing `question_id`.
        """
        ...

    async def flush(self, batches: Sequence[Batch]) -> frozenset[str]:
        """Append the entries of all runs in one transaction, and raise their heads and
        reservations.

        Returns the ids of runs that were *not* written: ended, or of another epoch.
        """
        ...

    async def finish(self, outcome: ClosedRun) -> bool:
        """Write the last events, status, receipt and message atomically; False when fenced."""
        ...

    async def replace_ending(self, outcome: ClosedRun) -> LogEntry | None:
        """Replace the ending that another process gave to a run whose owner is alive.

        Atomic and idempotent. Returns the terminal entry with its new number. Returns None when the
        run was not closed as dead, its answer has been continued, its events were purged, or the
        owner's numbers overlap with those of the closing process.
        """
        ...

    async def record(self, principal: Principal, run_id: str) -> RunRecord | None:
        """The run's row; None when unknown or owned by someone else."""
        ...

    async def entries(self, run_id: str, *, after: int, limit: int) -> tuple[LogEntry, ...]:
        """At most `limit` stored events with `seq > after`, in order. Does not check the owner."""
        ...

    async def answer_text(
        self, principal: Principal, run_id: str
    ) -> tuple[str, tuple[Citation, ...]]:
        """The stored answer: the message if the run has ended, else its flushed tokens."""
        ...

    async def request_stop(
        self, principal: Principal, run_id: str, *, at: datetime
    ) -> RunRecord | None:
        """Ask the owner to stop, by flag and notice. An unknown id is remembered for 60 s."""
        ...

    async def stops_requested(self, process_id: str) -> tuple[str, ...]:
        """The active runs of this process with a stop request."""
        ...

    async def beat(self, process_id: str) -> None:
        """Renew this process's lease: increment its counter, created if needed."""
        ...

    async def leases(self) -> Leases:
        """Every active run with the heartbeat of its process."""
        ...

    async def take_over(self, lease: Lease, *, process_id: str) -> RunRecord | None:
        """Take ownership of a dead run; None when its heartbeat moved or it ended meanwhile."""
        ...

    async def history(
        self,
        principal: Principal,
        session_id: str,
        *,
        before: str,
        limit: int,
        whole: int | None = None,
    ) -> tuple[Turn, ...]:
        """The last `limit` turns of a conversation before question `before`, oldest first.

        Answers older than the last `whole` turns are cut after `ABRIDGED_CHARACTERS`; with None, no
        answer is cut. If a question has several answers, the newest ended one is used; a question
        without an ended answer is skipped.
        """
        ...

    async def partial(
        self, principal: Principal, message_id: str
    ) -> tuple[str, tuple[StageRecord, ...]]:
        """The text and evidence of a stored answer, for `continue`. Raises `NotFound`."""
        ...

    async def purge(self, *, ended_before: datetime) -> int:
        """Delete events of runs that ended earlier; rows and messages stay. Returns the number."""
        ...

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call `listener` on the event loop for each notice. Returns the unsubscribe function."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """The engine's input. `history` is oldest first and excludes the question itself."""

    run_id: str
    session_id: str
    message_id: str
    principal: Principal
    text: str
    filters: Filters
    model: str = ""  # by name; empty: the engine's default
    history: tuple[Turn, ...] = ()
    older: tuple[Turn, ...] = ()  # turns before `history`, with abridged answers
    continues: str | None = None  # the text so far, which the answer will continue
    reused_evidence: tuple[StageRecord, ...] = ()  # of an earlier answer


@dataclass(frozen=True, slots=True)
class EngineResult:
    """The engine's last item: why generation ended, and its usage (None: not reported)."""

    finish_reason: FinishReason
    usage: Usage | None


@dataclass(slots=True)
class Evidence:
    """The numbered passages of the answer, set by the engine. `[n]` is `passages[n - 1]`."""

    passages: tuple[Passage, ...] = ()
    withheld: str = ""  # received but not emitted: a possible start of a marker


class AnswerEngine(Protocol):
    """Answers questions. Knows nothing of runs, numbers or viewers."""

    @property
    def model_name(self) -> str:
        """The default model's name. `Question.model` may name another."""
        ...

    def expect(self, text: str) -> None:
        """Start work that needs only the question's text, before the run exists. Never blocks."""
        ...

    def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        """Yields stage events and tokens in order, then exactly one `EngineResult`.

        Must be closed (`aclosing`); closing or cancelling it closes the model's socket. Raises
        `RunFailure`. `evidence.passages` is set before the first token.
        """
        ...


class Clock(Protocol):
    """Injected time, so that lease logic is tested without waiting."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float:
        """Monotonic time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the current task."""
        ...
