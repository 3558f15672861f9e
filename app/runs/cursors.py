"""Readers of a run's log. A cursor is a position; any number may read one run, at any speed.

`frames()` yields entries with strictly increasing numbers, the terminal one last, and None after
each `silence_s` without any. A cursor that is behind merges consecutive tokens. Where its position
cannot be served it yields a `reset` with the whole text first, never a silent gap.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from typing import Protocol, Self

import orjson

from app.domain.encoding import timestamp
from app.domain.errors import StoreUnavailable
from app.domain.events import TERMINAL_TYPES, Reset, ResetPayload, to_json, token_json
from app.domain.models import Citation
from app.domain.principals import Principal
from app.runs.active_run import LiveRun
from app.runs.ownership import Ownership
from app.runs.ports import Clock, LogEntry, RunLog, RunRecord, answer_of

log = logging.getLogger(__name__)

MERGE_CHARS = 8_192
STEP = 256  # entries looked at between two turns of the event loop
FUTURE_WAIT_S = 2.0
POLL_S = 1.0


class RunSignal(Protocol):
    """Rings when a run may have news in another process (see `runs/bells.py`)."""

    closed: bool

    def hang(self, run_id: str) -> asyncio.Event:
        """A bell to be hung before looking, so that news which comes meanwhile is not missed."""
        ...

    async def rung(self, bell: asyncio.Event, seconds: float) -> None:
        """Until the bell rang, or `seconds` passed."""
        ...


def merge(entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
    """Consecutive tokens as one entry with the last one's number and timestamp."""
    held: list[LogEntry] = []
    size = 0
    for entry in entries:
        if entry.text is not None and size + len(entry.text) <= MERGE_CHARS:
            held.append(entry)
            size += len(entry.text)
            continue
        yield from _joined(held)
        held, size = ([], 0) if entry.text is None else ([entry], len(entry.text))
        if entry.text is None:
            yield entry
    yield from _joined(held)


def _joined(held: list[LogEntry]) -> Iterator[LogEntry]:
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
    """The whole answer up to `seq`; the client replaces what it has."""
    content = ResetPayload(text=text, citations=citations)
    return LogEntry(seq, "reset", to_json(Reset(content=content, timestamp=timestamp(clock.now()))))


class _Waiter:
    """Waits for what a run shows next, at most `seconds` each time.

    With one timer for all waits: a new one for every token would cost as much as sending it.
    """

    def __init__(self, run: LiveRun, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._bell: asyncio.Future[bool] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def beyond(self, seq: int) -> bool:
        """True when something after `seq` may be shown or the run is over, False in silence."""
        run, loop = self._run, asyncio.get_running_loop()
        self._until = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(self._until, self._look)
        while run.visible <= seq and not run.over.is_set():
            if self._timer is None:
                return False  # the bell was rung already when the time was over: `_look` kept still
            self._bell = run.hang()
            if not await self._bell:
                return False
        return True

    def _look(self) -> None:
        """The time of the first wait is over; later ones may have begun since."""
        loop = asyncio.get_running_loop()
        self._timer = None
        if loop.time() < self._until:
            self._timer = loop.call_at(self._until, self._look)
        elif self._bell is not None and not self._bell.done():
            self._bell.set_result(False)


class LiveCursor:
    """Reads a run of this process from memory; goes on from the store when the run is fenced."""

    def __init__(
        self,
        run: LiveRun,
        after: int,
        clock: Clock,
        stored: "StoredCursor",
        *,
        ownership: Ownership | None = None,
    ) -> None:
        """Without `ownership` the run is ours whatever happens."""
        self._ownership = ownership
        self._sure: Callable[[], bool] = ownership.sure if ownership else lambda: True
        self._run = run
        self._position = after
        self._clock = clock
        self._stored = stored

    async def frames(self, *, silence_s: float) -> AsyncGenerator[LogEntry | None, None]:
        """Until the terminal entry was yielded."""
        run = self._run
        while not await self._settled(silence_s):
            yield None
        if not run.fenced and not await self._servable():
            yield self._reset()
        async with _Waiter(run, silence_s) as patience:
            while not run.fenced:
                entries = self._next()
                for entry in merge(entries) if len(entries) > 1 else entries:
                    if not self._sure():
                        break
                    yield entry
                    self._position = entry.seq
                if run.terminal is not None and self._position >= run.terminal.seq:
                    return
                at = self._position
                behind = at < run.visible
                if not await (self._turn(silence_s) if behind else patience.beyond(at)):
                    yield None
        async for frame in self._stored.at(self._position).frames(silence_s=silence_s):
            yield frame

    async def _turn(self, silence_s: float) -> bool:
        """Let the others have their turn; where ownership is in doubt, until it is settled."""
        if not self._sure():
            return await self._settled(silence_s)
        await asyncio.sleep(0)
        return True

    async def _settled(self, silence_s: float) -> bool:
        """Whether it is known whose the run is; waits for that as long as for a heartbeat."""
        if self._ownership is None or self._run.fenced:
            return True
        return await self._ownership.settled(silence_s)

    async def _servable(self) -> bool:
        """Whether the position was shown. It may be that of a flush that is under way elsewhere."""
        run = self._run
        if self._position <= run.visible:
            return True
        async with _Waiter(run, FUTURE_WAIT_S) as patience:
            await patience.beyond(self._position - 1)
            if not run.visible:  # a reset takes the number of something that was shown
                await patience.beyond(0)
        return run.fenced or self._position <= run.visible

    def _next(self) -> list[LogEntry]:
        """At most `STEP` entries after the position. Before the terminal one may be a hole."""
        run = self._run
        if run.terminal is not None and self._position >= len(run.entries) - 1:
            return [run.terminal] if self._position < run.terminal.seq else []
        return run.entries[self._position : min(run.visible, self._position + STEP)]

    def _reset(self) -> LogEntry:
        run = self._run
        seq = run.visible if run.terminal is None else run.terminal.seq - 1
        self._position = seq
        text = answer_of(run.entries[:seq])
        known = any(e.type == "citations" for e in run.entries[:seq])
        return reset_entry(seq, text, run.citations if known else (), self._clock)


class StoredCursor:
    """Reads a run from the durable log and follows another process's run by notice and poll."""

    def __init__(
        self,
        run_log: RunLog,
        principal: Principal,
        record: RunRecord,
        *,
        after: int,
        clock: Clock,
        bell: RunSignal,
        goes_on: bool = False,
    ) -> None:
        self._log = run_log
        self._principal = principal
        self._record = record
        self._position = after
        self._clock = clock
        self._bell = bell
        self._goes_on = goes_on
        self._begun = False  # the position was found to be servable, or was reset
        self._over = False

    def at(self, after: int) -> "StoredCursor":
        """The same run, for a connection that was already sent everything up to `after`."""
        return StoredCursor(
            self._log,
            self._principal,
            self._record,
            after=after,
            clock=self._clock,
            bell=self._bell,
            goes_on=True,
        )

    async def frames(self, *, silence_s: float) -> AsyncGenerator[LogEntry | None, None]:
        """Until the terminal entry was yielded, the run is gone, or this process shuts down.

        While the database is away it is waited for.
        """
        heard = self._clock.monotonic()
        while not self._over:
            step = await self._step(min(POLL_S, silence_s))
            for entry in step:
                yield entry
                self._position = entry.seq
            if step:
                heard = self._clock.monotonic()
                await asyncio.sleep(0)
            elif self._clock.monotonic() - heard >= silence_s:
                heard = self._clock.monotonic()
                yield None

    async def _step(self, wait_s: float) -> Sequence[LogEntry]:
        """What is there now; waits for news when there is nothing."""
        bell = self._bell.hang(self._record.run_id)
        try:
            step = await self._read()
        except StoreUnavailable as error:
            log.debug("Run %s cannot be read: %s", self._record.run_id, error)
            step = ()
        if not step and not self._over:
            self._over = self._bell.closed
            await self._bell.rung(bell, wait_s)
        return step

    async def _read(self) -> Sequence[LogEntry]:
        if not self._begun and not await self._servable():
            if self._goes_on and self._record.terminal is None:
                # Numbers on a connection only rise: what its dead owner sent beyond the stored
                # head is taken back at the run's end, whose number lies above.
                self._over = not await self._refresh()
                return ()
            reset = await self._reset()
            if not reset.seq:
                return ()  # nothing is stored yet, so there is no number that a reset could have
            self._begun = True
            return (reset,)
        self._begun = True
        # The row is read before the events: a terminal event seen in the row is then among the
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
            return tuple(merge(page))
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
        """The position is 0 with the first event there, or names a stored event."""
        deadline = self._clock.monotonic() + FUTURE_WAIT_S
        while True:
            bell = self._bell.hang(self._record.run_id)
            first = await self._log.entries(
                self._record.run_id, after=max(0, self._position - 1), limit=1
            )
            if self._position == 0:
                return bool(first) or self._record.terminal is None
            if first:
                return first[0].seq == self._position
            if self._record.terminal is not None or self._clock.monotonic() >= deadline:
                return False
            await self._bell.rung(bell, 0.2)
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
        return seq, answer_of(entries)
