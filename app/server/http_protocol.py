"""Connections as `python -m app.main` serves them: none is held open by saying nothing.

uvicorn's own protocol waits for ever for the first request of a connection, for the rest of a head
that comes byte by byte, and for a reader that does not read. A server started otherwise needs a
proxy in front for that; bodies are watched everywhere (`api/intake.py`).
"""

from asyncio import BaseTransport, TimerHandle, Transport
from typing import cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 20.0
"""How long a request's head may take; also how long a new connection may say nothing."""
MAX_HEAD_BYTES = 96 * 1024
UNREAD_S = 300.0
"""How long a reader may read nothing of a stream. It can come back: the answer goes on without."""
_REFUSAL = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = _REFUSAL % b"408 Request Timeout"
_TOO_LARGE = _REFUSAL % b"431 Request Header Fields Too Large"


class TimeoutProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on heads and on readers."""

    head_s = HEAD_S
    unread_s = UNREAD_S
    _head: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _head_bytes = 0

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        """A first request is due."""
        super().connection_made(cast("Transport", transport))
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._forget_head()
        self.resume_writing()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Counts what belongs to a head."""
        if self._head is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    @override
    def on_message_begin(self) -> None:
        """The first byte of a head."""
        super().on_message_begin()
        if self._head is None:
            self._await_head()

    @override
    def on_headers_complete(self) -> None:
        """The head is there; what follows it in the same packet is no longer counted."""
        self._forget_head()
        super().on_headers_complete()

    @override
    def pause_writing(self) -> None:
        """The reader does not keep up."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.unread_s, self._hang_up)

    @override
    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._head = self.loop.call_later(self.head_s, self._refuse, _TOO_SLOW)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _refuse(self, answer: bytes) -> None:
        self._forget_head()
        transport = cast("Transport | None", self.transport)
        if transport is not None and not transport.is_closing():
            transport.write(answer)
            transport.close()

    def _hang_up(self) -> None:
        self._unread = None
        self.transport.abort()
