"""What `runs/` asks of the outside: a log to write to and an engine that answers.

Two adapters implement `RunLog`: `db/run_log.py`, and one in memory for tests. Both pass one
behaviour suite, so another log can be added without touching this room.

Numbers. Events of a run are numbered 1, 2, 3 … by its owner. The row durably reserves numbers
ahead: the owner may hand out every number *below* `reserved`, never `reserved` itself. Whoever
ends a dead run's log writes its `citations` as `reserved` and its terminal event as
`reserved + 1`, so nothing a viewer saw is ever reused. An owner that was taken for dead and
replaces that ending numbers its own terminal event beyond both, with one number left out for the
`reset` of those who saw the end before.

Fencing. `epoch` starts at 1 and is incremented by every take-over. Each write of an owner names
its epoch and does nothing when the row has another one.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from app.domain.errors import RequestError
from app.domain.events import Stage, Token
from app.domain.models import (
    Citation,
    Filters,
    FinishReason,
    MessageStatus,
    OnDisconnect,
    Passage,
    Timings,
    Turn,
    Usage,
)
from app.domain.principals import Principal

RESERVE_AHEAD = 10_000
"""Numbers reserved beyond the head at creation and with each flush."""

RunStatus = Literal["running", "complete", "stopped", "error"]
Route = Literal["chat", "api_chat_stream", "regenerate", "continue", "openai", "ai_sdk"]


class LogEntry(NamedTuple):
    """One numbered event: `data` is its compact JSON, `text` the piece of answer of a token."""

    seq: int
    type: str
    data: bytes
    text: str | None = None


def answer_of(entries: Iterable[LogEntry]) -> str:
    """The answer that the events tell: the text of the tokens, after the last `reset`."""
    texts: list[str] = []
    for entry in entries:
        if entry.text is not None:
            texts.append(entry.text)
        elif entry.type == "reset":
            texts.clear()
    return "".join(texts)


@dataclass(frozen=True, slots=True)
class NewRun:
    """All that is written when a question is accepted, in one transaction."""

    run_id: str
    principal: Principal
    session_id: str
    route: Route
    message_id: str  # the answer to be written
    question_id: str  # the question it answers; existing when `question` is None
    question: str | None  # None: regenerate or continue, the question is already stored
    model: str
    filters: Filters
    on_disconnect: OnDisconnect
    process_id: str
    created_at: datetime
    idempotency_key: str | None = None
    request_hash: str = ""  # sha256 hex of the canonical request body
    max_runs_per_owner: int | None = None
    continues: str | None = None  # message_id whose text this run continues
    refusal: RequestError | None = None  # why this process starts nothing new now
    expires_at: datetime | None = None  # a new conversation is in no list, and goes away then


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a stop achieved; `already` is true when the run had ended before."""

    stopped: bool
    already: bool
    upstream_closed: bool | None  # None: no model socket was open
    upstream_closed_ms: float | None
    tokens_kept: int  # upstream deltas
    message_id: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run's row as read. `head` is the highest stored seq, `terminal` its last entry."""

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


def begun(new: NewRun, *, stop_requested: bool) -> RunRecord:
    """The record of a run that was just written."""
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
    """The run exists and is ours. `stop_requested`: somebody stopped this id before it existed.

    `begins`: its conversation began with it, so there is no history to read.
    """

    record: RunRecord
    stop_requested: bool
    begins: bool


@dataclass(frozen=True, slots=True)
class DuplicateRequest:
    """The idempotency key is known: this is the run it made (its `request_hash` is compared)."""

    record: RunRecord


@dataclass(frozen=True, slots=True)
class Batch:
    """New events of one run for the next group flush; `reserved` is the new reservation."""

    run_id: str
    epoch: int
    entries: tuple[LogEntry, ...]
    reserved: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: written with its last events and its message in one transaction.

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
    """The answer message as stored for good. `evidence`: the stage events as {type, content}."""

    status: MessageStatus
    content: str
    finish_reason: FinishReason | None
    citations: tuple[Citation, ...]
    evidence: tuple[dict[str, object], ...]
    usage: Usage | None
    timings: Timings | None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """What the reaper reads of a running run: its process's heartbeat counter."""

    run_id: str
    epoch: int
    process_id: str
    beat: int | None  # None: the process never registered


@dataclass(frozen=True, slots=True)
class Leases:
    """All running runs and the database's own clock (seconds) when they were read."""

    now_s: float
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened to runs, perhaps in another process. May be lost: pollers back it up."""

    kind: Literal["progress", "stop", "ended"]
    run_ids: tuple[str, ...]


def replacing_number(record_reserved: int, closed_by: int | None) -> int:
    """The number of a terminal event that replaces `closed_by`, or forestalls it (None)."""
    return max(record_reserved, closed_by or 0) + 2


class RunLog(Protocol):
    """Durable runs. Methods raise `StoreUnavailable` when the database is out of reach."""

    async def create(self, new: NewRun) -> Created | DuplicateRequest:
        """Accept a question: conversation, question, answer (status `streaming`) and run.

        Order of checks: idempotency key, `new.refusal` (raised), `run_id` unknown (`RunIdTaken`),
        the conversation's active run (`RunInProgress`), the owner's limit over all replicas
        (`TooManyRuns`).
        Reserves `RESERVE_AHEAD` numbers. Also answers `NotFound` when `question_id` must exist.
        """
        ...

    async def flush(self, batches: Sequence[Batch]) -> frozenset[str]:
        """Append the entries of all runs in one transaction and raise head and reservation.

        Returns the run ids that were *not* written: ended, or owned by another epoch.
        """
        ...

    async def finish(self, outcome: Outcome) -> bool:
        """Write last events, status, receipt and message atomically; False when fenced."""
        ...

    async def replace_ending(self, outcome: Outcome) -> LogEntry | None:
        """Put the ending of an owner that lives in the place of the one it was given as dead.

        Atomic, and safe to repeat. Returns the terminal entry with its new number, None when the
        run was not closed as dead, its answer was continued since, its events are purged, or the
        owner's numbers reach into those of whoever closed it.
        """
        ...

    async def record(self, principal: Principal, run_id: str) -> RunRecord | None:
        """The run's row; None when unknown or not yours."""
        ...

    async def entries(self, run_id: str, *, after: int, limit: int) -> tuple[LogEntry, ...]:
        """Stored events with `seq > after`, in order, at most `limit`. Ownership was checked."""
        ...

    async def answer_text(
        self, principal: Principal, run_id: str
    ) -> tuple[str, tuple[Citation, ...]]:
        """The run's answer as stored so far: the message once ended, else its flushed tokens."""
        ...

    async def request_stop(
        self, principal: Principal, run_id: str, *, at: datetime
    ) -> RunRecord | None:
        """Ask the owner to stop (flag + notice). An unknown id is remembered 60 s per owner."""
        ...

    async def stops_requested(self, process_id: str) -> tuple[str, ...]:
        """Running runs of this process that somebody asked to stop."""
        ...

    async def beat(self, process_id: str) -> None:
        """Renew this process's lease: increments its counter, registering it at first."""
        ...

    async def leases(self) -> Leases:
        """Every running run with its owner's heartbeat."""
        ...

    async def take_over(self, lease: Lease, *, process_id: str) -> RunRecord | None:
        """Increment the epoch of a dead run and own it; None when it moved or ended meanwhile."""
        ...

    async def history(
        self, principal: Principal, session_id: str, *, before: str, limit: int
    ) -> tuple[Turn, ...]:
        """The turns of a conversation before question `before`, oldest first.

        Of several answers to one question the newest ended one counts; a question without any
        is left out.
        """
        ...

    async def partial(
        self, principal: Principal, message_id: str
    ) -> tuple[str, tuple[dict[str, object], ...]]:
        """Text and evidence of a stored answer (for `continue`). Raises `NotFound`."""
        ...

    async def purge(self, *, ended_before: datetime) -> int:
        """Drop the events of runs ended before; their rows and messages stay. Returns how many."""
        ...

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Call `listener` on the event loop for each notice; returns how to unsubscribe."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What the engine is asked. `history` is oldest first and excludes the question itself."""

    run_id: str
    session_id: str
    message_id: str
    principal: Principal
    text: str
    filters: Filters
    history: tuple[Turn, ...] = ()
    continues: str | None = None  # text so far: the answer goes on after it
    continues_evidence: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class EngineResult:
    """The engine's last word: why generation ended and what it cost (None: not reported)."""

    finish_reason: FinishReason
    usage: Usage | None


@dataclass(slots=True)
class Evidence:
    """The numbered passages of the answer, set by the engine: `[n]` is `passages[n - 1]`."""

    passages: tuple[Passage, ...] = ()
    withheld: str = ""  # received, but not shown yet: a marker that may still be completed


class AnswerEngine(Protocol):
    """Answers questions. Knows nothing of runs, numbers or viewers."""

    @property
    def model_name(self) -> str:
        """What `run_start` and the page call the model."""
        ...

    def expect(self, text: str) -> None:
        """A question of this text is being accepted: begin what needs nothing else. Never waits."""
        ...

    def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        """Stage events and tokens in order, then exactly one `EngineResult`.

        Must be closed (`aclosing`): closing or cancelling closes the model's socket. Raises
        `RunFailure`. `evidence.passages` is set before the first token.
        """
        ...


class Clock(Protocol):
    """Time, passed in so that lease logic is tested without waiting."""

    def now(self) -> datetime:
        """Wall clock, timezone-aware."""
        ...

    def monotonic(self) -> float:
        """Seconds, never going back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the current task."""
        ...
