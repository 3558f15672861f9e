"""HTTP/1.1 over raw asyncio streams, for servers that must control every byte.

A `Connection` knows the moment its peer went away without a task per connection: the
`StreamReader` subclass notes EOF and reset as the event loop hands them over.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    411: "Length Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A complete request. Header names are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ProtocolError(Exception):
    """The peer sent a request that this server cannot read."""


class _WatchedReader(asyncio.StreamReader):
    """Calls `on_gone` once, when the peer's FIN or RST is read."""

    on_gone: Callable[[], None] | None = None

    @override
    def feed_eof(self) -> None:
        self._tell()
        super().feed_eof()

    @override
    def set_exception(self, exc: Exception) -> None:
        self._tell()
        super().set_exception(exc)

    def _tell(self) -> None:
        if self.on_gone is not None:
            on_gone, self.on_gone = self.on_gone, None
            on_gone()


class Connection:
    """One accepted connection. `gone_at` (monotonic seconds) is set when the peer closed first."""

    def __init__(self, reader: _WatchedReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._sleeper: asyncio.Future[None] | None = None
        self._closing = False
        self.gone_at: float | None = None
        self.on_gone: Callable[[float], None] | None = None
        reader.on_gone = self._peer_gone

    @property
    def alive(self) -> bool:
        """Neither side has started to close."""
        return self.gone_at is None and not self._closing

    def _peer_gone(self) -> None:
        if self._closing:
            return
        self.gone_at = time.monotonic()
        if self.on_gone is not None:
            self.on_gone(self.gone_at)
        _wake(self._sleeper)

    async def read_request(self) -> HttpRequest | None:
        """The next request, or None when the peer closed between requests."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3:
            raise ProtocolError(first)
        headers = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
        if "transfer-encoding" in headers:
            raise ProtocolError("chunked requests are not read")
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return HttpRequest(words[0], words[1], headers, body)

    async def pause(self, seconds: float | None) -> None:
        """Sleeps that long (None: forever), but returns as soon as either side closes."""
        if not self.alive:
            return
        sleeper: asyncio.Future[None] = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, _wake, sleeper)
        self._sleeper = sleeper
        try:
            await sleeper
        finally:
            self._sleeper = None
            if timer is not None:
                timer.cancel()

    async def write(self, data: bytes) -> None:
        """Writes, waiting only while the socket's buffer is full. Raises `ConnectionError`."""
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Sends FIN after everything written."""
        self._closing = True
        _wake(self._sleeper)
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return

    def reset(self) -> None:
        """Sends RST: data that the peer has not received yet is lost."""
        self._closing = True
        _wake(self._sleeper)
        abort_with_rst(self._writer)


def abort_with_rst(writer: asyncio.StreamWriter) -> None:
    """Closes a TCP connection with RST (a Unix socket just closes)."""
    sock = cast("socket.socket", writer.get_extra_info("socket"))
    if sock.family != socket.AF_UNIX and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _wake(sleeper: asyncio.Future[None] | None) -> None:
    if sleeper is not None and not sleeper.done():
        sleeper.set_result(None)


def response_head(
    status: int, headers: Mapping[str, str], *, length: int | None = None, chunked: bool = False
) -> bytes:
    """Status line and headers. Without `length` and `chunked` the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"content-length: {length}")
    elif chunked:
        lines.append("transfer-encoding: chunked")
    else:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def send_json(connection: Connection, status: int, body: bytes) -> None:
    """A JSON response in one write; the connection stays open."""
    head = response_head(status, {"content-type": "application/json"}, length=len(body))
    await connection.write(head + body)


async def listen(
    handler: Callable[[Connection], Awaitable[None]], *, host: str = "127.0.0.1", port: int = 0
) -> asyncio.Server:
    """Serves each connection with `handler` in a new task; the caller closes the server."""
    loop = asyncio.get_running_loop()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handler(Connection(cast("_WatchedReader", reader), writer))

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(_WatchedReader(loop=loop), connected, loop=loop)

    return await loop.create_server(protocol, host, port, backlog=1024)
