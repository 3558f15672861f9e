"""One connection through the fault proxy: two flows with separate faults."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tests.fakes.http_wire import abort_with_rst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Address: TypeAlias = tuple[str, int] | str | Path
"""(host, port), or the path of a Unix socket."""
Cut: TypeAlias = Literal["fin", "rst"]
"""How a cut is signalled. Unix sockets have no RST: there `rst` drops buffered data."""
Direction: TypeAlias = Literal["up", "down"]
Ends: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_READ = 65_536
_SLICES_PER_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The faults of one direction. Bytes are counted from the start of the connection."""

    cut_after: int | None = None
    """Exactly so many bytes pass, then both sides are cut (0: at once)."""
    cut_at_s: float | None = None
    """Cut so long after the connection was accepted."""
    cut: Cut = "rst"
    stall_after: int | None = None
    """So many bytes pass, then nothing, until released."""
    delay_s: float = 0.0
    """Added before each read is passed on."""
    chunk_sizes: Sequence[int] = ()
    """Sizes of the writes, in turn, again and again."""
    bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of one connection, client to upstream and back."""

    up: Flow = field(default_factory=Flow)
    down: Flow = field(default_factory=Flow)

    @classmethod
    def from_json(cls, given: Mapping[str, Mapping[str, Any]]) -> Faults:
        """Faults from a control message. Raises `TypeError` for an unknown field."""
        return cls(**{direction: Flow(**flow) for direction, flow in given.items()})


async def open_upstream(address: Address) -> Ends:
    """Connects. Raises `OSError`."""
    if isinstance(address, tuple):
        return await asyncio.open_connection(*address)
    return await asyncio.open_unix_connection(str(address))


class Proxied:
    """One accepted connection. `changed` is called whenever bytes pass or a side closes."""

    def __init__(self, faults: Faults, *, client: Ends, changed: Callable[[], None]) -> None:
        self.passed: dict[Direction, int] = {"up": 0, "down": 0}
        """Bytes delivered, by direction."""
        self.opened_at = time.monotonic()
        self.ended_at: float | None = None
        """When the first side closed, or the proxy cut."""
        self.ended_by: Literal["client", "upstream", "proxy"] | None = None
        self.closed_at: float | None = None
        """When both sides were closed."""
        self._faults = faults
        self._client = client
        self._changed = changed
        self._writers = [client[1]]
        self._gates: dict[Direction, asyncio.Event] = {
            "up": asyncio.Event(),
            "down": asyncio.Event(),
        }
        self._cut = asyncio.Event()
        self.release()

    def cut(self, how: Cut = "rst") -> None:
        """Closes both sides; further calls do nothing."""
        if self._cut.is_set():
            return
        self._note_end("proxy")
        self._cut.set()
        self.release()
        for writer in self._writers:
            _close(writer, how)

    def stall(self, direction: Direction | None = None) -> None:
        """Blocks this direction (None: both), including a close, until released."""
        for name, gate in self._gates.items():
            if direction in (None, name):
                gate.clear()

    def release(self) -> None:
        """Ends a stall of either direction."""
        for gate in self._gates.values():
            gate.set()

    async def run(self, upstream: Address) -> None:
        """Passes bytes until both sides are closed."""
        loop = asyncio.get_running_loop()
        timers = [
            loop.call_later(flow.cut_at_s, self.cut, flow.cut)
            for flow in (self._faults.up, self._faults.down)
            if flow.cut_at_s is not None
        ]
        try:
            await self._run(upstream)
        finally:
            for timer in timers:
                timer.cancel()
            for writer in self._writers:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
            self.closed_at = time.monotonic()
            self._changed()

    async def _run(self, address: Address) -> None:
        try:
            upstream = await open_upstream(address)
        except OSError:
            self._note_end("upstream")
            self.cut("rst")
            return
        self._writers.append(upstream[1])
        if self._cut.is_set():
            return
        await asyncio.gather(
            self._pump("up", self._client[0], upstream[1]),
            self._pump("down", upstream[0], self._client[1]),
        )

    async def _pump(
        self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        flow = self._faults.up if direction == "up" else self._faults.down
        plan = Sizes(flow)
        try:
            await self._obey(direction, plan)
            while not self._cut.is_set():
                data = await reader.read(_READ)
                if not data:
                    await self._pass_close(direction, writer)
                    return
                await self._sleep(flow.delay_s)
                await self._pass(direction, plan, data, writer)
        except OSError:
            self._note_end("client" if direction == "up" else "upstream")
            self.cut("rst")

    async def _pass(
        self, direction: Direction, plan: Sizes, data: bytes, writer: asyncio.StreamWriter
    ) -> None:
        rest = memoryview(data)
        while rest:
            size = plan.take(len(rest), passed=self.passed[direction])
            await self._gates[direction].wait()
            await self._sleep(plan.seconds(size))
            if self._cut.is_set():
                return
            writer.write(bytes(rest[:size]))
            await writer.drain()
            self.passed[direction] += size
            rest = rest[size:]
            self._changed()
            await self._obey(direction, plan)
            if plan.split:
                await asyncio.sleep(0)

    async def _obey(self, direction: Direction, plan: Sizes) -> None:
        """Cuts or stalls if this many bytes are the limit."""
        passed = self.passed[direction]
        if passed == plan.cut_after:
            self.cut(plan.cut)
        elif passed == plan.stall_after:
            plan.stall_after = None
            self.stall(direction)
        await self._gates[direction].wait()

    async def _pass_close(self, direction: Direction, writer: asyncio.StreamWriter) -> None:
        self._note_end("client" if direction == "up" else "upstream")
        await self._gates[direction].wait()
        if not self._cut.is_set():
            writer.write_eof()

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._cut.wait()

    def _note_end(self, side: Literal["client", "upstream", "proxy"]) -> None:
        if self.ended_by is None:
            self.ended_by = side
            self.ended_at = time.monotonic()
            self._changed()


class Sizes:
    """How a flow's bytes are split into writes."""

    def __init__(self, flow: Flow) -> None:
        self.cut_after = flow.cut_after
        self.cut = flow.cut
        self.stall_after = flow.stall_after
        self.split = bool(flow.chunk_sizes)
        self._rate = flow.bytes_per_s
        self._sizes = cycle(flow.chunk_sizes)

    def take(self, available: int, *, passed: int) -> int:
        """The size of the next write: at least 1, never past the next cut or stall."""
        stops = [s - passed for s in (self.cut_after, self.stall_after) if s is not None]
        size = min([available, *(stop for stop in stops if stop > 0)])
        if self._rate is not None:
            size = min(size, max(1, int(self._rate / _SLICES_PER_S)))
        return min(size, next(self._sizes)) if self.split else size

    def seconds(self, size: int) -> float:
        """How long a write of this size takes at the throttled rate."""
        return 0.0 if self._rate is None else size / self._rate


def _close(writer: asyncio.StreamWriter, how: Cut) -> None:
    if how == "rst":
        abort_with_rst(writer)
    else:
        writer.close()
