"""Reads streams from raw sockets in a separate process, and reports its own processor use.

`python -m bench.speed_client SPEC` takes a JSON object and prints one. Every token ends in `~` (see
`bench.speed_upstream`), so tokens are counted without parsing, however frames carry them.
"""

import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
import psutil
import uvloop
from typing_extensions import override

DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Spec:
    """The job. `pids`: processes to measure, by name, including their children."""

    streams: int = 1
    port: int = 0
    path: str = "/chat"
    questions: list[str] = field(default_factory=list)
    spread_s: float = 0.0  # seconds over which the starts are spread
    window_s: float = 0.0  # seconds to count once all have started; 0: until all have ended
    warm_up_s: float = 0.5
    tokens: int = 0  # per stream
    limit_s: float = 60.0
    pids: dict[str, int] = field(default_factory=dict)


class Busy:
    """Processor seconds of processes and their children, counted from creation."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._began = self._read()
        self._at = time.monotonic()

    def seconds(self) -> dict[str, float]:
        """Seconds by name, plus `wall` and steal time (`stolen`)."""
        now = self._read()
        used = {name: now[name] - self._began[name] for name in now}
        return used | {"wall": time.monotonic() - self._at}

    def _read(self) -> dict[str, float]:
        own = time.process_time()
        stolen = float(getattr(psutil.cpu_times(), "steal", 0.0))
        used = {name: _cpu(pid) for name, pid in self._pids.items()}
        return {"client": own, "stolen": stolen} | used


def _cpu(pid: int) -> float:
    total = 0.0
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@dataclass(slots=True)
class Stream:
    """The result of one stream."""

    tokens: int = 0
    ended: bool = False  # its terminal frame arrived
    asked_at: float = 0.0
    first_s: float | None = None  # from the question to the first token
    last_at: float = 0.0
    gaps: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # s from the upstream's sending
    frames: int = 0  # with tokens
    single: int = 0  # frames with exactly one token
    over: "asyncio.Future[None] | None" = None


class Reading(asyncio.Protocol):
    """One question and its stream."""

    def __init__(self, stream: Stream, request: bytes, *, timed: bool) -> None:
        self._stream = stream
        self._request = request
        self._timed = timed

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream.asked_at = time.monotonic()
        cast("asyncio.Transport", transport).write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        stream = self._stream
        count = data.count(b"~")
        if count:
            if stream.first_s is None:
                stream.first_s = time.monotonic() - stream.asked_at
            stream.tokens += count
            if self._timed:
                self._time(data, count)
        if b'"type":"done"' in data or b'"type": "done"' in data:
            stream.ended = True

    def _time(self, data: bytes, count: int) -> None:
        stream, now = self._stream, time.monotonic()
        if stream.last_at:
            stream.gaps.append(now - stream.last_at)
        stream.last_at = now
        if count == 1:
            stream.frames += 1
            stream.single += 1
        else:  # several frames in one read, or several tokens in a frame
            counts = [part.count(b"~") for part in data.split(b"\n\n")]
            stream.frames += sum(map(bool, counts))
            stream.single += counts.count(1)
        at = data.rfind(b"~")
        if at >= DIGITS and data[at - DIGITS : at].isdigit():
            stream.late.append(now - int(data[at - DIGITS : at]) / 1e6)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream.over is not None and not self._stream.over.done():
            self._stream.over.set_result(None)


def request(path: str, question: str) -> bytes:
    """Asks as the page does, on a separate connection."""
    # `stream` is needed when the model service is measured alone.
    about = {"stream": True} if path != "/chat" else {}
    body = orjson.dumps({"message": question, **about})
    return b"POST %b HTTP/1.1\r\n" % path.encode() + (
        b"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Accept: text/event-stream\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body), body)
    )


async def measure(spec: Spec) -> dict[str, Any]:
    """Runs all streams; returns their results."""
    loop = asyncio.get_running_loop()
    streams = [Stream(over=loop.create_future()) for _ in range(spec.streams)]
    transports: list[asyncio.BaseTransport] = []

    async def start(number: int, stream: Stream) -> None:
        await asyncio.sleep(number * spec.spread_s / max(1, spec.streams))
        asked = request(spec.path, spec.questions[number % len(spec.questions)])
        transport, _ = await loop.create_connection(
            lambda: Reading(stream, asked, timed=not spec.window_s), "127.0.0.1", spec.port
        )
        transports.append(transport)

    busy = Busy(spec.pids)
    starting = [loop.create_task(start(*each)) for each in enumerate(streams)]
    if spec.window_s:
        result = await _window(spec, streams)
    else:
        pending = [stream.over for stream in streams if stream.over is not None]
        await asyncio.wait(pending, timeout=spec.limit_s)
        result = {"cpu": busy.seconds(), "tokens": sum(stream.tokens for stream in streams)}
    await asyncio.gather(*starting, return_exceptions=True)
    for transport in transports:
        transport.close()
    return result | _told(spec, streams)


async def _window(spec: Spec, streams: list[Stream]) -> dict[str, Any]:
    for _ in range(int(spec.limit_s / 0.05)):
        if all(stream.tokens for stream in streams):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(spec.warm_up_s)
    before, busy = sum(stream.tokens for stream in streams), Busy(spec.pids)
    await asyncio.sleep(spec.window_s)
    return {
        "tokens": sum(stream.tokens for stream in streams) - before,
        "cpu": busy.seconds(),
        "begun": sum(bool(stream.tokens) for stream in streams),
    }


def _told(spec: Spec, streams: list[Stream]) -> dict[str, Any]:
    gaps = sorted(gap for stream in streams for gap in stream.gaps)
    late = sorted(one for stream in streams for one in stream.late)
    return {
        "ended": sum(stream.ended for stream in streams),
        "lost": sum(spec.tokens - stream.tokens for stream in streams) if spec.tokens else 0,
        "gap_ms": percentiles(gaps),
        "late_ms": percentiles(late),
        "first_ms": percentiles(sorted(s.first_s for s in streams if s.first_s is not None)),
        "frames": sum(stream.frames for stream in streams),
        "single": sum(stream.single for stream in streams),
    }


def percentiles(values: list[float]) -> dict[str, float]:
    """The percentile of sorted seconds, in ms."""
    if not values:
        return {}
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {
        name: round(values[min(len(values) - 1, int(len(values) * share))] * 1000, 3)
        for name, share in shares.items()
    }


if __name__ == "__main__":
    told = uvloop.run(measure(Spec(**orjson.loads(sys.argv[1]))))
    sys.stdout.write(orjson.dumps(told).decode())
