"""The HTTP protocol of `python -m app.main`, with timeouts for silent clients.

Uvicorn's protocol waits indefinitely for the first request of a connection, for the rest of a slow
request head, and for a client that does not read. A server started in another way needs a proxy
for this; bodies are limited everywhere (`api/middleware/body_limits.py`).
"""

from asyncio import BaseTransport, TimerHandle, Transport
from typing import cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 20.0
"""Timeout for a request head, and for the first byte of a new connection, in seconds."""
MAX_HEAD_BYTES = 96 * 1024
UNREAD_S = 300.0
"""Timeout in seconds for a client that reads nothing. It can reconnect; the answer continues."""
_REFUSAL = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = _REFUSAL % b"408 Request Timeout"
_TOO_LARGE = _REFUSAL % b"431 Request Header Fields Too Large"


class TimeoutProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with timeouts for request heads and for clients that do not read."""

    head_s = HEAD_S
    unread_s = UNREAD_S
    _head: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _head_bytes = 0

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        self._start_head_timer()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self.resume_writing()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head is None:
            self._start_head_timer()

    @override
    def on_headers_complete(self) -> None:
        """Stop timing the head. The rest of the packet is not counted."""
        self._stop_head_timer()
        super().on_headers_complete()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.unread_s, self._abort_unread)

    @override
    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _start_head_timer(self) -> None:
        self._head_bytes = 0
        self._head = self.loop.call_later(self.head_s, self._refuse, _TOO_SLOW)

    def _stop_head_timer(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _refuse(self, answer: bytes) -> None:
        self._stop_head_timer()
        transport = cast("Transport | None", self.transport)
        if transport is not None and not transport.is_closing():
            transport.write(answer)
            transport.close()

    def _abort_unread(self) -> None:
        self._unread = None
        self.transport.abort()
