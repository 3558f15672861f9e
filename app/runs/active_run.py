"""A run owned by this process: its log in memory, and the bell its viewers wait for.

Only the producer appends. Viewers hold a position and read `entries`; a slow one costs nothing
but its own position. The recorder copies what is new to the durable log and raises `reserved`.
"""

import asyncio
from typing import TYPE_CHECKING, Literal

from app.domain.events import Citations, Stage, Terminal, Token, to_json
from app.domain.ports import Upstream
from app.runs.ports import Evidence, LogEntry, Receipt, RunRecord, answer_of

if TYPE_CHECKING:
    from app.domain.models import Citation

CancelReason = Literal["stopped", "disconnected", "drained", "fenced"]


class LiveRun:
    """Entries are contiguous: `entries[i].seq == i + 1`. Not thread-safe; one event loop."""

    def __init__(self, record: RunRecord, *, cancel_on_disconnect: bool, started_at: float) -> None:
        self.record = record
        self.epoch = record.epoch
        self.reserved = record.reserved
        self.cancel_on_disconnect = cancel_on_disconnect
        self.started_at = started_at  # Clock.monotonic() seconds
        self.entries: list[LogEntry] = []
        self.flushed = 0  # how many entries the durable log has
        self.terminal: LogEntry | None = None
        self.receipt: Receipt | None = None
        self.fenced = False  # somebody else ended this run: the stored log is the truth
        self.displaced = False  # closed as dead although it lives: its ending will replace that one
        self.finishing = False
        self.cancel_reason: CancelReason | None = None
        self.cancelled_at: float | None = None
        self.cut_upstream = False  # a model socket was open when it was cancelled
        self.upstream = Upstream()
        self.evidence = Evidence()
        self.citations: tuple[Citation, ...] = ()
        self.first_token_at: float | None = None
        self.retrieved_at: float | None = None
        self.posts = 1  # POST connections that follow; the one that asked is the first
        self.over = asyncio.Event()  # terminal published, or fenced
        self._producing: asyncio.Task[object] | None = None
        self._bells: list[asyncio.Future[bool]] = []

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.record.run_id

    @property
    def visible(self) -> int:
        """The highest number that may be shown: below the reservation."""
        return min(len(self.entries), self.reserved - 1)

    @property
    def stopping(self) -> bool:
        """Cancelled or ended generating, the last transaction may still be under way."""
        return self.cancel_reason is not None or self.finishing

    @property
    def ending(self) -> bool:
        """The last transaction is under way or done: it asks itself whether the run is ours."""
        return self.finishing or self.over.is_set()

    @property
    def text(self) -> str:
        """The answer so far."""
        return answer_of(self.entries)

    def append(self, event: Stage | Token) -> LogEntry:
        """Give `event` the next number and show it to viewers."""
        text = event.content if isinstance(event, Token) else None
        entry = LogEntry(len(self.entries) + 1, event.type, to_json(event), text)
        if isinstance(event, Citations):
            self.citations = event.content.citations
        self.entries.append(entry)
        self._ring()
        return entry

    def close_with(self, terminal: LogEntry) -> None:
        """Publish the terminal entry: nothing comes after it."""
        self.terminal = terminal
        self.entries.append(terminal)
        self.reserved = max(self.reserved, terminal.seq + 1)
        self.over.set()
        self._ring()

    def terminal_entry(self, event: Terminal) -> LogEntry:
        """`event` with the number it will have; not shown before it is stored."""
        return LogEntry(len(self.entries) + 1, event.type, to_json(event))

    def stored(self, upto: int, reserved: int) -> None:
        """The durable log has the first `upto` entries and this reservation."""
        self.flushed = max(self.flushed, upto)
        if reserved > self.reserved:
            held_back = self.visible < len(self.entries)
            self.reserved = reserved
            if held_back:
                self._ring()

    def produced_by(self, task: "asyncio.Task[object]") -> None:
        """The task that cancelling this run cancels.

        It is dropped when it ends: it holds what it raised, whose frames hold this run.
        """
        self._producing = task
        task.add_done_callback(self._produced)
        if self.cancel_reason is not None:
            task.cancel()

    def _produced(self, _: "asyncio.Task[object]") -> None:
        self._producing = None

    def cancel(self, reason: CancelReason, *, at: float) -> bool:
        """End generating; the first reason counts. False when it was already ending."""
        if self.stopping or self.over.is_set():
            return False
        self.cancel_reason = reason
        self.cancelled_at = at
        self.cut_upstream = self.upstream.open_sockets > 0
        if self._producing is not None:
            self._producing.cancel()
        return True

    def fence(self, *, at: float) -> None:
        """Another process owns this run now: stop, and let viewers go on from the stored log."""
        self.fenced = True
        self.cancel("fenced", at=at)
        self.over.set()
        self._ring()

    def hang(self) -> "asyncio.Future[bool]":
        """A bell for one viewer: True once something new may be there, or the run is over."""
        bell: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._bells.append(bell)
        return bell

    def _ring(self) -> None:
        bells, self._bells = self._bells, []
        for bell in bells:
            if not bell.done():
                bell.set_result(True)
