"""Readers of a run's log. A cursor is a position; any number can read one run, at any speed.

`frames()` yields entries with strictly increasing numbers, the terminal entry last, and None after
each `silence_s` without an entry. A cursor that lags behind merges consecutive tokens. For a
position that cannot be served it yields a `reset` with the whole text; it never leaves a gap.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from typing import Self

import orjson

from app.domain.encoding import timestamp
from app.domain.errors import StoreUnavailable
from app.domain.events import TERMINAL_TYPES, Reset, ResetPayload, to_json, token_json
from app.domain.models import Citation
from app.domain.principals import Principal
from app.runs.active_run import LiveRun
from app.runs.log_entries import LogEntry, fold_entries
from app.runs.ownership import Ownership
from app.runs.ports import Clock, RunLog, RunRecord
from app.runs.run_signals import RunSignals

log = logging.getLogger(__name__)

MERGE_CHARS = 8_192
STEP = 256  # entries read before control returns to the event loop
FUTURE_WAIT_S = 2.0
POLL_S = 1.0


def merge_tokens(entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
    """Merge consecutive tokens into one entry with the number and timestamp of the last."""
    held: list[LogEntry] = []
    size = 0
    for entry in entries:
        if entry.text is not None and size + len(entry.text) <= MERGE_CHARS:
            held.append(entry)
            size += len(entry.text)
            continue
        yield from _merge_held(held)
        held, size = ([], 0) if entry.text is None else ([entry], len(entry.text))
        if entry.text is None:
            yield entry
    yield from _merge_held(held)


def _merge_held(held: list[LogEntry]) -> Iterator[LogEntry]:
    if not held:
        return
    last = held[-1]
    if len(held) == 1:
        yield last
        return
    text = "".join(entry.text or "" for entry in held)
    at: str = orjson.loads(last.data)["timestamp"]
    yield last._replace(text=text, data=token_json(text, at))


def reset_entry(seq: int, text: str, citations: tuple[Citation, ...], clock: Clock) -> LogEntry:
    """The whole answer up to `seq`. The client replaces its text with it."""
    content = ResetPayload(text=text, citations=citations)
    return LogEntry(seq, "reset", to_json(Reset(content=content, timestamp=timestamp(clock.now()))))


class _Waiter:
    """Waits for a run's next entry, at most `seconds` each time.

    All waits share one timer, because a timer per token would cost as much as sending the token.
    """

    def __init__(self, run: LiveRun, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._notified: asyncio.Future[bool] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def wait_past(self, seq: int) -> bool:
        """True when an entry after `seq` is visible or the run has closed; False on timeout."""
        run, loop = self._run, asyncio.get_running_loop()
        self._until = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(self._until, self._on_timer)
        while run.visible <= seq and not run.closed.is_set():
            if self._timer is None:
                return False  # already notified before the timeout fired
            self._notified = run.subscribe()
            if not await self._notified:
                return False
        return True

    def _on_timer(self) -> None:
        """The first wait has timed out. A later one may have started since."""
        loop = asyncio.get_running_loop()
        self._timer = None
        if loop.time() < self._until:
            self._timer = loop.call_at(self._until, self._on_timer)
        elif self._notified is not None and not self._notified.done():
            self._notified.set_result(False)


class LiveCursor:
    """Reads a run of this process from memory. Continues from the store once the run is fenced."""

    def __init__(
        self,
        run: LiveRun,
        after: int,
        clock: Clock,
        stored: "StoredCursor",
        *,
        ownership: Ownership | None = None,
    ) -> None:
        """Without `ownership` the run always counts as owned by this process."""
        self._ownership = ownership
        self._is_confirmed: Callable[[], bool] = (
            ownership.is_confirmed if ownership else lambda: True
        )
        self._run = run
        self._position = after
        self._clock = clock
        self._stored = stored

    async def frames(self, *, silence_s: float) -> AsyncGenerator[LogEntry | None, None]:
        """Ends after the terminal entry."""
        run = self._run
        while not await self._wait_confirmed(silence_s):
            yield None
        if not run.fenced and not await self._servable():
            yield self._reset()
        async with _Waiter(run, silence_s) as waiter:
            while not run.fenced:
                entries = self._next()
                for entry in merge_tokens(entries) if len(entries) > 1 else entries:
                    if not self._is_confirmed():
                        break
                    yield entry
                    self._position = entry.seq
                if run.terminal is not None and self._position >= run.terminal.seq:
                    return
                at = self._position
                behind = at < run.visible
                if not await (self._yield_control(silence_s) if behind else waiter.wait_past(at)):
                    yield None
        async for frame in self._stored.at(self._position).frames(silence_s=silence_s):
            yield frame

    async def _yield_control(self, silence_s: float) -> bool:
        """Yield to the event loop, and wait while ownership is unconfirmed."""
        if not self._is_confirmed():
            return await self._wait_confirmed(silence_s)
        await asyncio.sleep(0)
        return True

    async def _wait_confirmed(self, silence_s: float) -> bool:
        """Whether ownership is confirmed. Waits at most one heartbeat interval for it."""
        if self._ownership is None or self._run.fenced:
            return True
        return await self._ownership.wait_confirmed(silence_s)

    async def _servable(self) -> bool:
        """Whether the position has been published. A flush elsewhere may still be in progress."""
        run = self._run
        if self._position <= run.visible:
            return True
        async with _Waiter(run, FUTURE_WAIT_S) as waiter:
            await waiter.wait_past(self._position - 1)
            if not run.visible:  # a reset reuses the number of a published entry
                await waiter.wait_past(0)
        return run.fenced or self._position <= run.visible

    def _next(self) -> list[LogEntry]:
        """At most `STEP` entries after the position. There may be a gap before the terminal one."""
        run = self._run
        if run.terminal is not None and self._position >= len(run.entries) - 1:
            return [run.terminal] if self._position < run.terminal.seq else []
        return run.entries[self._position : min(run.visible, self._position + STEP)]

    def _reset(self) -> LogEntry:
        run = self._run
        seq = run.visible if run.terminal is None else run.terminal.seq - 1
        self._position = seq
        shown = fold_entries(run.entries[:seq])
        return reset_entry(seq, shown.text, shown.citations, self._clock)


class StoredCursor:
    """Reads a run from the durable log. Follows other processes' runs by notices and polling."""

    def __init__(
        self,
        run_log: RunLog,
        principal: Principal,
        record: RunRecord,
        *,
        after: int,
        clock: Clock,
        signals: RunSignals,
        is_continuation: bool = False,
    ) -> None:
        self._log = run_log
        self._principal = principal
        self._record = record
        self._position = after
        self._clock = clock
        self._signals = signals
        self._is_continuation = is_continuation
        self._is_positioned = False  # the position is servable, or was reset
        self._over = False

    def at(self, after: int) -> "StoredCursor":
        """The same run, for a connection that has already received everything up to `after`."""
        return StoredCursor(
            self._log,
            self._principal,
            self._record,
            after=after,
            clock=self._clock,
            signals=self._signals,
            is_continuation=True,
        )

    async def frames(self, *, silence_s: float) -> AsyncGenerator[LogEntry | None, None]:
        """Ends after the terminal entry, when the run is gone, or at shutdown.

        Waits while the database is unavailable.
        """
        last_output_at = self._clock.monotonic()
        while not self._over:
            step = await self._step(min(POLL_S, silence_s))
            for entry in step:
                yield entry
                self._position = entry.seq
            if step:
                last_output_at = self._clock.monotonic()
                await asyncio.sleep(0)
            elif self._clock.monotonic() - last_output_at >= silence_s:
                last_output_at = self._clock.monotonic()
                yield None

    async def _step(self, wait_s: float) -> Sequence[LogEntry]:
        """The entries stored now. Waits for a notification when there are none."""
        notified = self._signals.subscribe(self._record.run_id)
        try:
            step = await self._read()
        except StoreUnavailable as error:
            log.debug("Run %s cannot be read: %s", self._record.run_id, error)
            step = ()
        if not step and not self._over:
            self._over = self._signals.closed
            await self._signals.wait(notified, wait_s)
        return step

    async def _read(self) -> Sequence[LogEntry]:
        if not self._is_positioned and not await self._servable():
            if self._is_continuation and self._record.terminal is None:
                # Numbers on a connection only increase. Tokens the dead owner sent beyond the
                # stored head are retracted at the end of the run, which has a higher number.
                self._over = not await self._refresh()
                return ()
            reset = await self._reset()
            if not reset.seq:
                return ()  # nothing is stored yet, so there is no number for a reset
            self._is_positioned = True
            return (reset,)
        self._is_positioned = True
        # Read the row before the events: a terminal event found in the row is then among the
        # events, unless they were purged.
        if not await self._refresh():
            self._over = True
            return ()
        terminal = self._record.terminal
        page = await self._log.entries(self._record.run_id, after=self._position, limit=STEP)
        if page:
            last = page[-1]
            known_last = terminal is not None and last.seq >= terminal.seq
            self._over = known_last or last.type in TERMINAL_TYPES
            return tuple(merge_tokens(page))
        if terminal is None:
            return ()
        if self._position < terminal.seq - 1:
            return (await self._reset(),)
        self._over = True
        return (terminal,)

    async def _refresh(self) -> bool:
        record = await self._log.record(self._principal, self._record.run_id)
        if record is not None:
            self._record = record
        return record is not None

    async def _servable(self) -> bool:
        """Whether the position is 0 and the first event is stored, or names a stored event."""
        deadline = self._clock.monotonic() + FUTURE_WAIT_S
        while True:
            notified = self._signals.subscribe(self._record.run_id)
            first = await self._log.entries(
                self._record.run_id, after=max(0, self._position - 1), limit=1
            )
            if self._position == 0:
                return bool(first) or self._record.terminal is None
            if first:
                return first[0].seq == self._position
            if self._record.terminal is not None or self._clock.monotonic() >= deadline:
                return False
            await self._signals.wait(notified, 0.2)
            if not await self._refresh():
                return False

    async def _reset(self) -> LogEntry:
        await self._refresh()
        record = self._record
        if record.terminal is not None:
            text, citations = await self._log.answer_text(self._principal, record.run_id)
            seq = record.terminal.seq - 1
        else:
            seq, text = await self._text_so_far()
            citations = ()
        self._position = seq or self._position
        return reset_entry(seq, text, citations, self._clock)

    async def _text_so_far(self) -> tuple[int, str]:
        seq, entries = 0, list[LogEntry]()
        while page := await self._log.entries(self._record.run_id, after=seq, limit=STEP):
            entries += page
            seq = page[-1].seq
        return seq, fold_entries(entries).text
