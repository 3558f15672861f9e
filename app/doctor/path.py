"""Measures the path from the application to a client: `GET /health/stream` at a public URL."""

import asyncio
import time
from dataclasses import dataclass

import httpx
import orjson

FRAMES = 20
PAUSE_MS = 50
PARALLEL = 10  # a browser opens six, and users have several
CONNECT_S = 10.0
TRIES = 10
PROBE = "/health/stream"


@dataclass(frozen=True, slots=True)
class Read:
    """One read of the socket, with the send times of its frames in milliseconds."""

    at_ms: float
    sent_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StreamProbe:
    """One probe. `cut_s`: seconds after which the connection was cut."""

    status: int
    reads: tuple[Read, ...] = ()
    encoding: str = ""
    server: str = ""
    cut_s: float | None = None
    code: str = ""  # error code from the application
    problem: str = ""

    @property
    def frames(self) -> int:
        """The number of frames that arrived."""
        return sum(len(read.sent_ms) for read in self.reads)

    @property
    def held_ms(self) -> float:
        """The longest time a frame was held back."""
        return max((r.sent_ms[-1] - r.sent_ms[0] for r in self.reads if r.sent_ms), default=0.0)


async def probe(
    client: httpx.AsyncClient,
    url: str,
    *,
    frames: int = FRAMES,
    pause_ms: int = PAUSE_MS,
    silence_s: float = 0,
    encoding: str = "gzip, deflate",
    accept: str = "*/*",
) -> StreamProbe:
    """Read one stream. Never raises for what proxies do to it."""
    query = {"frames": frames, "pause_ms": pause_ms, "silence_s": silence_s}
    began = time.monotonic()
    try:
        async with client.stream(
            "GET",
            f"{url.rstrip('/')}{PROBE}",
            params=query,
            headers={"Accept-Encoding": encoding, "Accept": accept},
            timeout=httpx.Timeout(silence_s + 15, connect=CONNECT_S),
        ) as response:
            return await _read(response, frames + (silence_s > 0))
    except httpx.HTTPError as error:
        durations_ms = time.monotonic() - began
        return StreamProbe(
            0, cut_s=durations_ms, problem=f"{type(error).__name__}: {error}".rstrip(": ")
        )


async def _read(response: httpx.Response, expected: int) -> StreamProbe:
    encoding = response.headers.get("content-encoding", "")
    server = response.headers.get("server", "")
    if response.status_code != 200:
        await response.aread()
        return StreamProbe(response.status_code, server=server, code=_code(response))
    began, reads, rest = time.monotonic(), list[Read](), b""
    cut: float | None = None
    try:
        async for data in response.aiter_bytes():
            *whole, rest = (rest + data).split(b"\n\n")
            sent = tuple(_sent_ms(frame) for frame in whole)
            if sent:
                reads.append(Read((time.monotonic() - began) * 1000, sent))
    except httpx.HTTPError:
        cut = time.monotonic() - began
    stream_probe = StreamProbe(200, tuple(reads), encoding, server, cut)
    if cut is None and stream_probe.frames < expected:
        cut = time.monotonic() - began
    return StreamProbe(200, tuple(reads), encoding, server, cut)


def _sent_ms(frame: bytes) -> float:
    _, _, data = frame.partition(b"data: ")
    return float(orjson.loads(data)["sent_ms"])


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


async def _silent(client: httpx.AsyncClient, url: str, silence_s: float) -> StreamProbe:
    """Retry while the application has too many probes."""
    for _ in range(TRIES):
        stream_probe = await probe(client, url, frames=1, silence_s=silence_s)
        if stream_probe.code != "busy":
            return stream_probe
        await asyncio.sleep(1)
    return StreamProbe(0, cut_s=0, problem="the application has too many probes")


@dataclass(frozen=True, slots=True)
class PathProbe:
    """All measurements of one URL."""

    plain: StreamProbe  # accepts compression, as a browser does
    uncompressed: StreamProbe
    silent: StreamProbe
    parallel: tuple[StreamProbe, ...]
    silence_s: float


async def measure(client: httpx.AsyncClient, url: str, *, silence_s: float) -> PathProbe:
    """Measure buffering, compression, idle timeouts and connection limits."""
    plain = await probe(client, url)
    uncompressed = await probe(client, url, encoding="identity")
    many = (probe(client, url) for _ in range(PARALLEL))
    silent, *parallel = await asyncio.gather(_silent(client, url, silence_s), *many)
    return PathProbe(plain, uncompressed, silent, tuple(parallel), silence_s)
