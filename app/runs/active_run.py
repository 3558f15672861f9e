"""A run owned by this process: its log in memory, and the waiting viewers.

Only the producer appends. Viewers keep a position in `entries`, so a slow viewer costs nothing but
that position. The recorder copies new entries to the durable log and raises `reserved`.
"""

import asyncio
from typing import Literal

from app.domain.events import Stage, Token, to_json
from app.domain.ports import Upstream
from app.runs.log_entries import LogEntry
from app.runs.ports import Evidence, Receipt, RunRecord

CancelReason = Literal["stopped", "disconnected", "drained", "fenced"]

RUN_BYTES = 4_096
ENTRY_BYTES = 200
"""Estimated memory overhead of a run, and of each of its entries."""


class LiveRun:
    """Entries are contiguous: `entries[i].seq == i + 1`. Not thread-safe: one event loop."""

    def __init__(self, record: RunRecord, *, cancel_on_disconnect: bool, started_at: float) -> None:
        self.record = record
        self.epoch = record.epoch
        self.reserved = record.reserved
        self.cancel_on_disconnect = cancel_on_disconnect
        self.started_at = started_at  # Clock.monotonic() seconds
        self.entries: list[LogEntry] = []
        self.flushed = 0  # entries stored in the durable log
        self.terminal: LogEntry | None = None
        self.receipt: Receipt | None = None
        self.fenced = False  # another process ended this run: the stored log is authoritative
        self.presumed_dead = False  # closed as dead; its own ending will replace that one
        self.finishing = False
        self.cancel_reason: CancelReason | None = None
        self.cancelled_at: float | None = None
        self.cut_upstream = False  # a model socket was open at the time of cancellation
        self.upstream = Upstream()
        self.evidence = Evidence()
        self.first_token_at: float | None = None
        self.retrieved_at: float | None = None
        self.posts = 1  # open POST connections, including the one that asked
        self.closed = asyncio.Event()  # terminal published, or fenced
        self._producing: asyncio.Task[object] | None = None
        self._waiters: list[asyncio.Future[bool]] = []

    @property
    def run_id(self) -> str:
        return self.record.run_id

    @property
    def visible(self) -> int:
        """The highest sequence number that may be sent. Always below the reservation."""
        return min(len(self.entries), self.reserved - 1)

    @property
    def stopping(self) -> bool:
        """Generation has ended or was cancelled. The final transaction may still be running."""
        return self.cancel_reason is not None or self.finishing

    @property
    def ending(self) -> bool:
        """The final transaction is running or done. It checks ownership itself."""
        return self.finishing or self.closed.is_set()

    def append(self, event: Stage | Token) -> LogEntry:
        """Assign the next sequence number to `event` and publish it to viewers."""
        text = event.content if isinstance(event, Token) else None
        entry = LogEntry(len(self.entries) + 1, event.type, to_json(event), text)
        self.entries.append(entry)
        self._notify()
        return entry

    def close_with(self, terminal: LogEntry) -> None:
        """Publish the terminal entry. Nothing may be appended after it."""
        self.terminal = terminal
        self.entries.append(terminal)
        self.reserved = max(self.reserved, terminal.seq + 1)
        self.closed.set()
        self._notify()

    def stored(self, upto: int, reserved: int) -> None:
        """The durable log has the first `upto` entries and this reservation."""
        self.flushed = max(self.flushed, upto)
        if reserved > self.reserved:
            held_back = self.visible < len(self.entries)
            self.reserved = reserved
            if held_back:
                self._notify()

    def set_producer(self, task: "asyncio.Task[object]") -> None:
        """Set the task that `cancel` cancels.

        The reference is dropped when the task ends, because its exception holds frames that hold
        this run.
        """
        self._producing = task
        task.add_done_callback(self._on_producer_done)
        if self.cancel_reason is not None:
            task.cancel()

    def _on_producer_done(self, _: "asyncio.Task[object]") -> None:
        self._producing = None

    def cancel(self, reason: CancelReason, *, at: float) -> bool:
        """Stop generation. The first reason is kept. False when the run was already ending."""
        if self.stopping or self.closed.is_set():
            return False
        self.cancel_reason = reason
        self.cancelled_at = at
        self.cut_upstream = self.upstream.open_sockets > 0
        if self._producing is not None:
            self._producing.cancel()
        return True

    def release_evidence(self) -> None:
        """Drop the passages, which are only needed until the run ends."""
        self.evidence = Evidence()

    def estimated_bytes(self) -> int:
        """The estimated memory held by this run."""
        contents = sum(len(entry.data) + len(entry.text or "") for entry in self.entries)
        return RUN_BYTES + ENTRY_BYTES * len(self.entries) + contents

    def fence(self, *, at: float) -> None:
        """Stop, because another process owns this run. Viewers continue from the stored log."""
        self.fenced = True
        self.cancel("fenced", at=at)
        self.closed.set()
        self._notify()

    def subscribe(self) -> "asyncio.Future[bool]":
        """A future that resolves to True when there may be new entries or the run has closed."""
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def _notify(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(True)
